//! Says what the validator's own runtime (Agave 4.2.0, published crates) makes of a packet's payload before it is
//! scheduled: its compute-unit limit, its fee, and whether its account locks can be taken.
//!
//! Standard input: frames of a u16 length and that many bytes. Standard output: for each frame 24 bytes, in order, all
//! little-endian:
//!
//!   0  u8 verdict of the parser: 0 good, 1 wrong structure, 2 a sanity rule fails; what follows is 0 unless it is good
//!   1  u8 1 where the compute-budget instructions or the config are refused; limits and fee are 0 then
//!   2  u8 locks: 0 can be taken, 1 a key stands there twice, 2 too many, 3 any other error
//!   3  u8 0
//!   4  u32 compute-unit limit
//!   8  u64 fee in lamports
//!  16  u32 loaded-data limit, u32 heap size
//!
//! Keys behind lookup tables are not in the packet: each stands here for a key of its own that no packet holds.

use std::io::{BufRead, BufReader, BufWriter, Read, Write};

use agave_feature_set::FeatureSet;
use agave_transaction_view::transaction_view::{SanitizedTransactionView, TransactionView};
use solana_accounts_db::account_locks::validate_account_locks;
use solana_fee::{calculate_fee, FeeFeatures};
use solana_hash::Hash;
use solana_message::v0::LoadedAddresses;
use solana_message::AccountKeys;
use solana_pubkey::Pubkey;
use solana_runtime_transaction::runtime_transaction::RuntimeTransaction;
use solana_runtime_transaction::sanitize_config::sanitize_config;
use solana_runtime_transaction::transaction_meta::TransactionMeta;
use solana_transaction::sanitized::MessageHash;
use solana_transaction_error::TransactionError;

const GOOD: u8 = 0;
const WRONG_STRUCTURE: u8 = 1;
const UNSANITARY: u8 = 2;

const ANSWER_BYTES: usize = 24;
const LAMPORTS_PER_SIGNATURE: u64 = 5_000;
/// The limit with the feature `increase_tx_account_lock_limit`.
const ACCOUNT_LOCKS_MAX: usize = 128;

/// As many different keys as lookups can name.
fn made_up_keys(count: usize, first: usize) -> Vec<Pubkey> {
    (first..first + count)
        .map(|number| {
            let mut bytes = [0xa7; 32];
            bytes[..8].copy_from_slice(&(number as u64).to_le_bytes());
            Pubkey::from(bytes)
        })
        .collect()
}

fn locks(view: &SanitizedTransactionView<&[u8]>) -> u8 {
    let writable = usize::from(view.total_writable_lookup_accounts());
    let loaded = LoadedAddresses {
        writable: made_up_keys(writable, 0),
        readonly: made_up_keys(usize::from(view.total_readonly_lookup_accounts()), writable),
    };
    let keys = AccountKeys::new(view.static_account_keys(), Some(&loaded));
    match validate_account_locks(keys, ACCOUNT_LOCKS_MAX) {
        Ok(()) => 0,
        Err(TransactionError::AccountLoadedTwice) => 1,
        Err(TransactionError::TooManyAccountLocks) => 2,
        Err(_) => 3,
    }
}

fn answer(packet: &[u8], features: &FeatureSet) -> [u8; ANSWER_BYTES] {
    let mut out = [0; ANSWER_BYTES];
    let Ok(view) = TransactionView::try_new_unsanitized(packet) else {
        out[0] = WRONG_STRUCTURE;
        return out;
    };
    let Ok(view) = view.sanitize(&sanitize_config(true)) else {
        out[0] = UNSANITARY;
        return out;
    };
    out[0] = GOOD;
    out[2] = locks(&view);
    let hash = MessageHash::Precomputed(Hash::default());
    let transaction = RuntimeTransaction::<SanitizedTransactionView<&[u8]>>::try_new(view, hash, Some(false));
    let configured = transaction.and_then(|tx| tx.transaction_configuration(features).map(|config| (tx, config)));
    let Ok((transaction, config)) = configured else {
        out[1] = 1;
        return out;
    };
    let fee = calculate_fee(
        &transaction,
        LAMPORTS_PER_SIGNATURE,
        config.priority_fee_lamports,
        FeeFeatures::from(features),
    );
    out[4..8].copy_from_slice(&config.compute_unit_limit.to_le_bytes());
    out[8..16].copy_from_slice(&fee.to_le_bytes());
    out[16..20].copy_from_slice(&config.loaded_accounts_data_size_limit.to_le_bytes());
    out[20..24].copy_from_slice(&config.updated_heap_bytes.to_le_bytes());
    out
}

fn main() -> std::io::Result<()> {
    // No built-in program has been migrated: each counts as one, as on today's chain.
    let features = FeatureSet::default();
    let mut input = BufReader::with_capacity(1 << 20, std::io::stdin().lock());
    let mut output = BufWriter::with_capacity(1 << 20, std::io::stdout().lock());
    let mut packet = Vec::new();
    loop {
        // Answers go out when there is nothing left to do: the asker may be waiting for them.
        if input.buffer().is_empty() {
            output.flush()?;
            if input.fill_buf()?.is_empty() {
                return Ok(());
            }
        }
        let mut length = [0; 2];
        input.read_exact(&mut length)?;
        packet.resize(usize::from(u16::from_le_bytes(length)), 0);
        if input.buffer().len() < packet.len() {
            output.flush()?;
        }
        input.read_exact(&mut packet)?;
        output.write_all(&answer(&packet, &features))?;
    }
}
