//! Tells a qos sidecar's bridge which transactions a bank commits. Put here by `qos patch`; the bridge itself is in
//! solana-core. Without a listener this is one load and one branch for each batch.

use {
    solana_runtime_transaction::transaction_with_meta::TransactionWithMeta,
    solana_svm::transaction_processing_result::TransactionProcessingResult,
    std::sync::OnceLock,
};

/// Gets the first signature of a committed transaction, and the compute units that it used.
pub type Listener = fn(signature: &[u8], units: u64);

static LISTENER: OnceLock<Listener> = OnceLock::new();

/// Sets the listener, once a process.
pub fn listen(listener: Listener) {
    let _ = LISTENER.set(listener);
}

/// Called by the bank where it records statuses: for its own blocks, and for those of other leaders that it replays.
pub(crate) fn committed(
    transactions: &[impl TransactionWithMeta],
    results: &[TransactionProcessingResult],
) {
    let Some(listener) = LISTENER.get() else {
        return;
    };
    for (transaction, result) in transactions.iter().zip(results) {
        if let Ok(processed) = result {
            listener(transaction.signature().as_ref(), processed.executed_units());
        }
    }
}
