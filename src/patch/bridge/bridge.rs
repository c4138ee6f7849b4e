//! Starts the bridge's three threads, and what they share.

use {
    super::{intake::Intake, outlet::Outlet, reports::Reports, settings},
    crossbeam_channel::{bounded, Receiver},
    solana_perf::packet::PacketBatch,
    std::{
        ffi::OsString,
        io,
        ops::Deref,
        sync::{
            atomic::{AtomicBool, AtomicU64, Ordering},
            Arc,
        },
        thread::Builder,
    },
};

/// Packets that may wait for the signature check, as many as the validator's own channel holds.
const OUTPUT_MAX: usize = 50_000;

/// What was done, for the log.
#[derive(Default)]
pub struct Counts {
    /// Packets handed to the sidecar.
    pub offered: AtomicU64,
    /// Packets that went past it: no sidecar, or one of a port alone.
    pub bypassed: AtomicU64,
    /// Of those, packets that fit no element.
    pub unfit: AtomicU64,
    /// Packets that a sidecar had not taken when it died, given to the signature check instead.
    pub recalled: AtomicU64,
    pub from_sidecar: AtomicU64,
    /// Elements that the sidecar overwrote before they were read.
    pub lapped: AtomicU64,
    /// Packets that the signature check's channel had no room for.
    pub full: AtomicU64,
    pub failed: AtomicU64,
    pub passed: AtomicU64,
    pub committed: AtomicU64,
    pub not_included: AtomicU64,
    /// Events for which the channel to the reporting thread had no room.
    pub untold: AtomicU64,
}

impl Counts {
    pub fn text(&self, pending: usize) -> String {
        let rows = [
            ("offered", &self.offered),
            ("bypassed", &self.bypassed),
            ("unfit", &self.unfit),
            ("recalled", &self.recalled),
            ("fromSidecar", &self.from_sidecar),
            ("lapped", &self.lapped),
            ("full", &self.full),
            ("failed", &self.failed),
            ("passed", &self.passed),
            ("committed", &self.committed),
            ("notIncluded", &self.not_included),
            ("untold", &self.untold),
        ];
        let words = rows.map(|(name, count)| format!("{name}={}", count.load(Ordering::Relaxed)));
        format!("{} pending={pending}", words.join(" "))
    }
}

#[derive(Default)]
pub struct State {
    pub counts: Counts,
    ended: AtomicBool,
    /// Whether the sidecar's channel is joined. What is sent before that is not read.
    reads: AtomicBool,
}

#[derive(Clone, Default)]
pub struct Shared(Arc<State>);

impl Deref for Shared {
    type Target = State;
    fn deref(&self) -> &State {
        &self.0
    }
}

impl Shared {
    pub fn end(&self) {
        self.ended.store(true, Ordering::Relaxed);
    }

    pub fn set_reading(&self, reads: bool) {
        self.reads.store(reads, Ordering::Release);
    }

    pub fn is_reading(&self) -> bool {
        self.reads.load(Ordering::Acquire)
    }

    pub fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }
}

/// Starts the bridge, where the variable `QOS_CHANNELS` says so.
///
/// `can_include`: whether this validator could include what arrives now; None where that cannot be said without waiting.
/// Returns what the signature check reads instead of `packets`; None where everything stays as it was.
pub fn start(
    variable: Option<OsString>,
    packets: &Receiver<PacketBatch>,
    can_include: impl Fn() -> Option<bool> + Send + 'static,
) -> Option<Receiver<PacketBatch>> {
    let variable = variable?;
    let off = |reason: String| log::error!("qos: the bridge is off: {reason}");
    let settings = match variable.to_str().ok_or("it is no text".to_string()).and_then(settings::parse) {
        Ok(settings) => settings,
        Err(problem) => {
            off(format!("QOS_CHANNELS: {problem}"));
            return None;
        }
    };
    let shared = Shared::default();
    let Some(reports) = Reports::open(&settings, can_include, shared.clone()) else {
        off("this process has one already".to_string());
        return None;
    };
    let (sender, chosen) = bounded(OUTPUT_MAX);
    let outlet = Outlet::new(sender.clone(), &settings, shared.clone());
    let intake = Intake::new(packets.clone(), sender, &settings, shared.clone());
    let spawn = |name: &str, run: Box<dyn FnOnce() + Send>| -> io::Result<()> {
        Builder::new().name(name.to_string()).spawn(run).map(drop)
    };
    let spawned = spawn("qosReports", Box::new(move || reports.run()))
        .and_then(|()| spawn("qosOutlet", Box::new(move || outlet.run())))
        .and_then(|()| spawn("qosIntake", Box::new(move || intake.run())));
    if let Err(error) = spawned {
        shared.end();
        off(format!("a thread cannot be started: {error}"));
        return None;
    }
    log::info!("qos: the bridge is on: {settings:?}");
    Some(chosen)
}
