//! The validator's side of a qos sidecar, put here by `qos patch`: packets pass through the sidecar between the TPU's
//! receivers and the signature check, and the sidecar learns what became of them.
//!
//! On only where the environment variable `QOS_CHANNELS` is set; without it `between` returns the receiver that it was
//! given, and each of the other hooks is one load and one branch. While no sidecar beats, packets go to the signature
//! check as they would without this module. Nothing here waits on a thread of the validator, and nothing here panics.
//!
//! This file is the part that knows the rest of the validator. What it calls knows packets and channels alone.

mod bridge;
mod channel;
mod intake;
mod outlet;
mod packet;
mod pending;
mod reports;
mod settings;

pub(crate) use reports::{after_check, before_check, dropping};
use {
    crossbeam_channel::Receiver,
    solana_clock::{DEFAULT_TICKS_PER_SLOT, HOLD_TRANSACTIONS_SLOT_OFFSET},
    solana_perf::packet::PacketBatch,
    solana_poh::poh_recorder::PohRecorder,
    std::sync::{Arc, RwLock},
};

/// Puts the sidecar between a receiver of unchecked packets and the signature check.
///
/// Returns the receiver that the signature check reads: the one given, where `QOS_CHANNELS` is not set or the bridge
/// cannot start.
pub(crate) fn between(
    packets: Receiver<PacketBatch>,
    poh_recorder: &Arc<RwLock<PohRecorder>>,
) -> Receiver<PacketBatch> {
    let poh_recorder = Arc::clone(poh_recorder);
    // The fetch stage asks the same question of forwarded packets. Nothing where the lock is held: never wait for it.
    let can_include = move || {
        let recorder = poh_recorder.try_read().ok()?;
        let ticks = HOLD_TRANSACTIONS_SLOT_OFFSET.saturating_mul(DEFAULT_TICKS_PER_SLOT);
        Some(recorder.would_be_leader(ticks))
    };
    match bridge::start(std::env::var_os("QOS_CHANNELS"), &packets, can_include) {
        Some(chosen) => {
            solana_runtime::qos_outcomes::listen(reports::committed);
            chosen
        }
        None => packets,
    }
}
