//! Says what the published crate `agave-transaction-view` makes of a packet's payload: 2.1 (what the reference sidecar
//! parses with, legacy and v0) and 6.1 (which also knows v1).
//!
//! Standard input: frames of a u16 length and that many bytes. Standard output: for each frame a u16 length and an answer,
//! in order, all little-endian:
//!
//!   0  u8 verdict of 2.1, u8 verdict of 6.1: 0 good, 1 wrong structure, 2 a sanity rule fails
//!   2  u8 whose fields follow: 0 none, 2 or 6 (2 where both read it); u8 1 where both read it and agree on every field
//!   4  u8 version (255 legacy, 0, 1), signatures, required signatures, read-only signed, read-only unsigned, keys, lookups,
//!      u8 config mask (v1)
//!  12  u16 instructions, looked-up writable, looked-up read-only, and where these start: signatures, keys, blockhash
//!  24  u64 priority fee, u32 CU limit, u32 loaded-data limit, u32 heap size (v1; 0 where absent)
//!  44  per instruction five u16: program index, start and length of the accounts, start and length of the data
//!      per lookup five u16: start of the table's key, start and length of the writable and of the read-only indexes

use std::io::{BufRead, BufReader, BufWriter, Read, Write};

const GOOD: u8 = 0;
const WRONG_STRUCTURE: u8 = 1;
const UNSANITARY: u8 = 2;

/// What the chain enforces today.
const LIMITS: view6::sanitize::SanitizeConfig = view6::sanitize::SanitizeConfig {
    min_requested_heap_size: 32 * 1024,
    max_requested_heap_size: 256 * 1024,
    max_instructions: 64,
    max_accounts_per_instruction: 255,
};

/// Start of a part within the packet; 0 for an empty one, whose place means nothing.
fn start(packet: &[u8], part: &[u8]) -> u16 {
    if part.is_empty() {
        0
    } else {
        (part.as_ptr() as usize - packet.as_ptr() as usize) as u16
    }
}

/// Both versions of the crate have the same accessors on different types.
macro_rules! write_fields {
    ($view:expr, $packet:expr, $out:expr, $config:expr) => {{
        let (view, packet, out): (_, &[u8], &mut Vec<u8>) = (&$view, $packet, $out);
        let (mask, fee, limit, loaded, heap): (u8, u64, u32, u32, u32) = $config;
        out.extend([
            view.version() as u8,
            view.num_signatures(),
            view.num_required_signatures(),
            view.num_readonly_signed_static_accounts(),
            view.num_readonly_unsigned_static_accounts(),
            view.num_static_account_keys(),
            view.num_address_table_lookups(),
            mask,
        ]);
        for number in [
            view.num_instructions(),
            view.total_writable_lookup_accounts(),
            view.total_readonly_lookup_accounts(),
            view.signatures().first().map_or(0, |s| start(packet, s.as_ref())),
            view.static_account_keys().first().map_or(0, |k| start(packet, k.as_ref())),
            start(packet, view.recent_blockhash().as_ref()),
        ] {
            out.extend(number.to_le_bytes());
        }
        out.extend(fee.to_le_bytes());
        for number in [limit, loaded, heap] {
            out.extend(number.to_le_bytes());
        }
        for instruction in view.instructions_iter() {
            for number in [
                u16::from(instruction.program_id_index),
                start(packet, instruction.accounts),
                instruction.accounts.len() as u16,
                start(packet, instruction.data),
                instruction.data.len() as u16,
            ] {
                out.extend(number.to_le_bytes());
            }
        }
        for lookup in view.address_table_lookup_iter() {
            for number in [
                start(packet, lookup.account_key.as_ref()),
                start(packet, lookup.writable_indexes),
                lookup.writable_indexes.len() as u16,
                start(packet, lookup.readonly_indexes),
                lookup.readonly_indexes.len() as u16,
            ] {
                out.extend(number.to_le_bytes());
            }
        }
    }};
}

fn read_with_2(packet: &[u8], fields: &mut Vec<u8>) -> u8 {
    let Ok(view) = view2::transaction_view::TransactionView::try_new_unsanitized(packet) else {
        return WRONG_STRUCTURE;
    };
    write_fields!(view, packet, fields, (0, 0, 0, 0, 0));
    if view.sanitize().is_ok() {
        GOOD
    } else {
        UNSANITARY
    }
}

fn read_with_6(packet: &[u8], fields: &mut Vec<u8>) -> u8 {
    let Ok(view) = view6::transaction_view::TransactionView::try_new_unsanitized(packet) else {
        return WRONG_STRUCTURE;
    };
    let config = view.transaction_config().map_or((0, 0, 0, 0, 0), |c| {
        (
            c.mask() as u8,
            c.priority_fee_lamports().unwrap_or(0),
            c.compute_unit_limit().unwrap_or(0),
            c.loaded_accounts_data_size_limit().unwrap_or(0),
            c.requested_heap_size().unwrap_or(0),
        )
    });
    write_fields!(view, packet, fields, config);
    if view.sanitize(&LIMITS).is_ok() {
        GOOD
    } else {
        UNSANITARY
    }
}

fn main() -> std::io::Result<()> {
    let mut input = BufReader::with_capacity(1 << 20, std::io::stdin().lock());
    let mut output = BufWriter::with_capacity(1 << 20, std::io::stdout().lock());
    let (mut packet, mut fields2, mut fields6) = (Vec::new(), Vec::new(), Vec::new());
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
        fields2.clear();
        fields6.clear();
        let verdict2 = read_with_2(&packet, &mut fields2);
        let verdict6 = read_with_6(&packet, &mut fields6);
        let (source, fields) = match (verdict2, verdict6) {
            (WRONG_STRUCTURE, WRONG_STRUCTURE) => (0, &fields2),
            (WRONG_STRUCTURE, _) => (6, &fields6),
            _ => (2, &fields2),
        };
        let both = verdict2 != WRONG_STRUCTURE && verdict6 != WRONG_STRUCTURE;
        output.write_all(&(4 + fields.len() as u16).to_le_bytes())?;
        output.write_all(&[verdict2, verdict6, source, u8::from(both && fields2 == fields6)])?;
        output.write_all(fields)?;
    }
}
