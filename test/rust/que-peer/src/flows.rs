//! Whole streams: produce so many elements, or consume until an index is reached, and report what was seen.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use que::headless_spmc::{consumer::Consumer, producer::Producer};

use crate::arguments::Arguments;
use crate::element::Element;
use crate::Place;

/// The shared tail. `que` keeps it private; its user metadata has a public address, 512 bytes behind the tail.
pub fn shared_tail(metadata: std::ptr::NonNull<[u8; 112]>) -> u64 {
    // SAFETY: the header's first 8 bytes are the tail, an atomic, and the mapping lives as long as the program.
    let tail = unsafe { &*metadata.cast::<u8>().as_ptr().sub(512).cast::<AtomicU64>() };
    tail.load(Ordering::Acquire)
}

/// Pushes `--count` elements, continuing the stream at the stored tail. Publishes after every `--sync-every` elements (0: only
/// where the crate itself does, and at the end). Waits `--pace-nanos` after each publication.
pub fn produce<const B: usize, const N: usize>(place: &Place, arguments: &Arguments) -> Result<(), String> {
    let count: u64 = arguments.number("count")?;
    let sync_every: u64 = arguments.number_or("sync-every", 64)?;
    let pace = Duration::from_nanos(arguments.number_or("pace-nanos", 0)?);
    // SAFETY: the file holds a channel of this very type; the tests see to it.
    let mut producer = unsafe { Producer::<Element<B>, N>::join_or_create_shmem(&place.name, place.pages) }
        .map_err(|e| format!("join: {e}"))?;
    let first = shared_tail(producer.get_padding_ptr());
    println!("{{\"event\":\"joined\",\"tail\":{first}}}");
    let mut element = Element::<B>([0; B]);
    for index in first..first + count {
        element.write(index);
        producer.push(&element);
        if sync_every != 0 && (index + 1) % sync_every == 0 {
            producer.sync();
            producer.beat();
            if !pace.is_zero() {
                let until = Instant::now() + pace;
                while Instant::now() < until {
                    std::hint::spin_loop();
                }
            }
        }
    }
    producer.sync();
    producer.beat();
    println!("{{\"event\":\"done\",\"pushed\":{count},\"tail\":{}}}", first + count);
    Ok(())
}

/// Pops until the element before `--until` was seen, or nothing came for `--idle-ms`. Every element is checked.
pub fn consume<const B: usize, const N: usize>(place: &Place, arguments: &Arguments) -> Result<(), String> {
    let until: u64 = arguments.number_or("until", u64::MAX)?;
    let idle = Duration::from_millis(arguments.number_or("idle-ms", 5_000)?);
    // SAFETY: as above.
    let mut consumer = unsafe { Consumer::<Element<B>, N>::join_shmem(&place.name, place.pages) }
        .map_err(|e| format!("join: {e}"))?;
    let joined = shared_tail(consumer.get_padding_ptr());
    println!("{{\"event\":\"joined\",\"tail\":{joined}}}");
    let (mut received, mut skipped, mut repeated, mut torn, mut gaps) = (0u64, 0u64, 0u64, 0u64, 0u64);
    let mut first = None;
    let mut next = joined;
    let mut last_news = Instant::now();
    while next < until {
        let Some(element) = consumer.pop() else {
            consumer.beat();
            if last_news.elapsed() > idle {
                break;
            }
            std::hint::spin_loop();
            continue;
        };
        if received % 64 == 0 {
            last_news = Instant::now();
            consumer.beat();
        }
        if !element.is_whole() {
            torn += 1;
            continue;
        }
        let index = element.index();
        first.get_or_insert(index);
        if index < next {
            repeated += 1;
        } else {
            if index > next {
                gaps += 1;
                skipped += index - next;
            }
            next = index + 1;
            received += 1;
        }
    }
    println!(
        "{{\"event\":\"done\",\"received\":{received},\"skipped\":{skipped},\"gaps\":{gaps},\"repeated\":{repeated},\"torn\":{torn},\"first\":{},\"next\":{next}}}",
        first.map_or("null".to_string(), |i| i.to_string())
    );
    Ok(())
}
