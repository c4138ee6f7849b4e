//! The other end of a channel, on the published crate `que` (headless mode): a producer, a consumer, or both step by step.
//!
//!   que-peer produce --name N --element B --capacity C [--pages standard|huge] --count K [--sync-every S] [--pace-nanos P]
//!   que-peer consume --name N --element B --capacity C [--pages ...] [--until INDEX] [--idle-ms M]
//!   que-peer steps   --name N --element B --capacity C [--pages ...]      commands on standard input, see steps.rs
//!   que-peer flood   --packets FILE --seconds S [--prefix P_] ...          saturates a packet channel, see flood.rs
//!   que-peer create  --prefix P_ [--pages ...]                            creates the eight channels
//!   que-peer layout                                                       the crate's own offsets
//!
//! Answers are JSON lines on standard output. Exit code 2 means wrong usage.

mod arguments;
mod element;
mod flood;
mod flows;
mod steps;

use arguments::Arguments;
use que::page_size::PageSize;

/// What every command needs to know of a channel.
pub struct Place {
    pub name: String,
    pub pages: PageSize,
}

macro_rules! dispatch {
    ($element:expr, $capacity:expr, $command:ident, $place:expr, $arguments:expr; $($bytes:literal),+) => {
        match $element {
            $($bytes => dispatch!(@capacity $bytes, $capacity, $command, $place, $arguments;
                4, 8, 16, 64, 256, 1024, 4096, 16_384, 32_768, 262_144, 1_048_576),)+
            other => Err(format!("no element of {other} bytes")),
        }
    };
    (@capacity $bytes:literal, $capacity:expr, $command:ident, $place:expr, $arguments:expr; $($n:literal),+) => {
        match $capacity {
            $($n => run::<$bytes, $n>($command, $place, $arguments),)+
            other => Err(format!("no capacity of {other} elements")),
        }
    };
}

fn run<const B: usize, const N: usize>(command: &str, place: &Place, arguments: &Arguments) -> Result<(), String> {
    match command {
        "produce" => flows::produce::<B, N>(place, arguments),
        "consume" => flows::consume::<B, N>(place, arguments),
        "steps" => steps::run::<B, N>(place),
        other => Err(format!("unknown command {other:?}")),
    }
}

fn main() {
    if let Err(message) = start() {
        eprintln!("que-peer: {message}");
        std::process::exit(2);
    }
}

fn start() -> Result<(), String> {
    let mut words = std::env::args().skip(1);
    let command = words.next().ok_or("which command?")?;
    if command == "layout" {
        que::Channel::<element::Element<1264>, 32_768>::print_layout();
        println!("size: {}", core::mem::size_of::<que::Channel<element::Element<1264>, 32_768>>());
        return Ok(());
    }
    let arguments = Arguments::parse(words)?;
    let place = Place {
        name: arguments.number_or("name", String::new())?,
        pages: match arguments.number_or("pages", "standard".to_string())?.as_str() {
            "standard" => PageSize::Standard,
            "huge" => PageSize::Huge,
            other => return Err(format!("--pages {other:?}")),
        },
    };
    match command.as_str() {
        "flood" => return flood::run(&place, &arguments),
        "create" => return flood::create(&place, &arguments),
        _ => arguments.text("name")?,
    };
    let element: usize = arguments.number("element")?;
    let capacity: usize = arguments.number("capacity")?;
    let command = command.as_str();
    dispatch!(element, capacity, command, &place, &arguments; 16, 64, 1264, 1296, 4160)
}
