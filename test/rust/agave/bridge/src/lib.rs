//! The bridge's modules, as they lie under src/patch, but for the one that knows the rest of the validator.

#[path = "../../../../../src/patch/bridge/bridge.rs"]
pub mod bridge;
#[path = "../../../../../src/patch/bridge/channel.rs"]
pub mod channel;
#[path = "../../../../../src/patch/bridge/intake.rs"]
pub mod intake;
#[path = "../../../../../src/patch/bridge/outlet.rs"]
pub mod outlet;
#[path = "../../../../../src/patch/bridge/packet.rs"]
pub mod packet;
#[path = "../../../../../src/patch/bridge/pending.rs"]
pub mod pending;
#[path = "../../../../../src/patch/bridge/reports.rs"]
pub mod reports;
#[path = "../../../../../src/patch/bridge/settings.rs"]
pub mod settings;
pub mod traffic;
