// The scenarios that come with qos, in the order of the scoreboard. A new one is a file here and a line below.

import adaptive from "./adaptive.toml" with { type: "text" };
import agents from "./agents.toml" with { type: "text" };
import badSignaturesFew from "./bad-signatures-few.toml" with { type: "text" };
import badSignaturesFresh from "./bad-signatures-fresh.toml" with { type: "text" };
import bursts from "./bursts.toml" with { type: "text" };
import duplicates from "./duplicates.toml" with { type: "text" };
import forgeries from "./forgeries.toml" with { type: "text" };
import halfAndHalf from "./half-and-half.toml" with { type: "text" };
import knownPorts from "./known-ports.toml" with { type: "text" };
import lostRaces from "./lost-races.toml" with { type: "text" };
import lowLoad from "./low-load.toml" with { type: "text" };
import neverIncluded from "./never-included.toml" with { type: "text" };
import newcomers from "./newcomers.toml" with { type: "text" };
import newcomersForgers from "./newcomers-forgers.toml" with { type: "text" };
import newcomersLiars from "./newcomers-liars.toml" with { type: "text" };
import nonceForgers from "./nonce-forgers.toml" with { type: "text" };
import nonceSiblings from "./nonce-siblings.toml" with { type: "text" };
import oneAddress from "./one-address.toml" with { type: "text" };
import overload from "./overload.toml" with { type: "text" };
import portsAnonymous from "./ports-anonymous.toml" with { type: "text" };
import portsIdentities from "./ports-identities.toml" with { type: "text" };
import sharedAnonymous from "./shared-anonymous.toml" with { type: "text" };
import sharedIdentities from "./shared-identities.toml" with { type: "text" };
import sleepers from "./sleepers.toml" with { type: "text" };
import spoofedAddresses from "./spoofed-addresses.toml" with { type: "text" };
import twoAtOnce from "./two-at-once.toml" with { type: "text" };
import unparsable from "./unparsable.toml" with { type: "text" };
import wrongLimits from "./wrong-limits.toml" with { type: "text" };

/** TOML text by name. */
export const SCENARIOS: Readonly<Record<string, string>> = {
  overload,
  "bad-signatures-few": badSignaturesFew,
  "bad-signatures-fresh": badSignaturesFresh,
  "spoofed-addresses": spoofedAddresses,
  "known-ports": knownPorts,
  "shared-identities": sharedIdentities,
  "shared-anonymous": sharedAnonymous,
  "ports-identities": portsIdentities,
  "ports-anonymous": portsAnonymous,
  unparsable,
  "never-included": neverIncluded,
  "wrong-limits": wrongLimits,
  "one-address": oneAddress,
  sleepers,
  duplicates,
  forgeries,
  newcomers,
  "newcomers-forgers": newcomersForgers,
  "newcomers-liars": newcomersLiars,
  bursts,
  "low-load": lowLoad,
  "lost-races": lostRaces,
  "half-and-half": halfAndHalf,
  "two-at-once": twoAtOnce,
  "nonce-siblings": nonceSiblings,
  "nonce-forgers": nonceForgers,
  adaptive,
  agents,
};
