//! Step by step: one command a line on standard input, one JSON line back, so that a test can hold both sides to one order.
//!
//!   producer          join or create           consumer          join
//!   push K            write K elements         pop K             at most K elements: their indexes, -1 for a torn one
//!   sync              publish                  beat p | beat c   add 1 to the heartbeat of that side
//!   alive p | alive c did that side's heartbeat move since the last question (asked by the other side)?
//!   tail              the shared tail          metadata          the first 8 bytes of the user metadata, as a u64
//!   store U64         write them               quit

use std::io::{BufRead, Write};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};

use que::headless_spmc::{consumer::Consumer, producer::Producer};

use crate::element::Element;
use crate::flows::shared_tail;
use crate::Place;

struct Session<const B: usize, const N: usize> {
    producer: Option<Producer<Element<B>, N>>,
    consumer: Option<Consumer<Element<B>, N>>,
    next_index: u64,
}

impl<const B: usize, const N: usize> Session<B, N> {
    fn metadata(&self) -> Result<NonNull<[u8; 112]>, String> {
        match (&self.producer, &self.consumer) {
            (Some(producer), _) => Ok(producer.get_padding_ptr()),
            (_, Some(consumer)) => Ok(consumer.get_padding_ptr()),
            _ => Err("not joined".to_string()),
        }
    }

    fn metadata_word(&self) -> Result<&AtomicU64, String> {
        // SAFETY: aligned to 128 bytes, mapped for the program's whole life.
        Ok(unsafe { self.metadata()?.cast::<AtomicU64>().as_ref() })
    }

    fn producing(&mut self) -> Result<&mut Producer<Element<B>, N>, String> {
        self.producer.as_mut().ok_or("no producer".to_string())
    }

    fn consuming(&mut self) -> Result<&mut Consumer<Element<B>, N>, String> {
        self.consumer.as_mut().ok_or("no consumer".to_string())
    }

    fn answer(&mut self, place: &Place, line: &str) -> Result<String, String> {
        let (command, rest) = line.split_once(' ').unwrap_or((line, ""));
        let number = || rest.parse::<u64>().map_err(|e| format!("{rest:?}: {e}"));
        match (command, rest) {
            ("producer", _) => {
                // SAFETY: the test names a channel of this very type.
                let joined = unsafe { Producer::join_or_create_shmem(&place.name, place.pages) };
                let producer = joined.map_err(|e| e.to_string())?;
                self.next_index = shared_tail(producer.get_padding_ptr());
                self.producer = Some(producer);
                Ok(format!("\"tail\":{}", self.next_index))
            }
            ("consumer", _) => {
                // SAFETY: as above.
                let joined = unsafe { Consumer::join_shmem(&place.name, place.pages) };
                self.consumer = Some(joined.map_err(|e| e.to_string())?);
                Ok(format!("\"tail\":{}", shared_tail(self.metadata()?)))
            }
            ("push", _) => {
                let mut element = Element::<B>([0; B]);
                for _ in 0..number()? {
                    element.write(self.next_index);
                    self.producing()?.push(&element);
                    self.next_index += 1;
                }
                Ok(format!("\"next\":{}", self.next_index))
            }
            ("sync", _) => {
                self.producing()?.sync();
                Ok("\"ok\":true".to_string())
            }
            ("pop", _) => {
                let most = number()?;
                let consumer = self.consuming()?;
                let mut indexes = Vec::new();
                for _ in 0..most {
                    match consumer.pop() {
                        Some(element) if element.is_whole() => indexes.push(element.index().to_string()),
                        Some(_) => indexes.push("-1".to_string()),
                        None => break,
                    }
                }
                Ok(format!("\"popped\":[{}]", indexes.join(",")))
            }
            ("beat", "p") => {
                self.producing()?.beat();
                Ok("\"ok\":true".to_string())
            }
            ("beat", "c") => {
                self.consuming()?.beat();
                Ok("\"ok\":true".to_string())
            }
            ("alive", "p") => Ok(format!("\"alive\":{}", self.consuming()?.producer_heartbeat())),
            ("alive", "c") => Ok(format!("\"alive\":{}", self.producing()?.consumer_heartbeat())),
            ("tail", _) => Ok(format!("\"tail\":{}", shared_tail(self.metadata()?))),
            ("metadata", _) => Ok(format!("\"metadata\":\"{}\"", self.metadata_word()?.load(Ordering::Acquire))),
            ("store", _) => {
                self.metadata_word()?.store(number()?, Ordering::Release);
                Ok("\"ok\":true".to_string())
            }
            _ => Err(format!("unknown command {line:?}")),
        }
    }
}

pub fn run<const B: usize, const N: usize>(place: &Place) -> Result<(), String> {
    let mut session = Session::<B, N> { producer: None, consumer: None, next_index: 0 };
    let mut output = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let line = line.map_err(|e| e.to_string())?;
        let line = line.trim();
        if line == "quit" {
            break;
        }
        let answer = match session.answer(place, line) {
            Ok(fields) => format!("{{{fields}}}"),
            Err(message) => format!("{{\"error\":{message:?}}}"),
        };
        writeln!(output, "{answer}").and_then(|()| output.flush()).map_err(|e| e.to_string())?;
    }
    Ok(())
}
