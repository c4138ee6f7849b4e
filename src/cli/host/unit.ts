// The systemd unit that `qos service` prints: the rights of its user alone, the paths of the channels, its state and its
// configuration alone, a watchdog on the loop's progress, and a restart whatever it died of.

import type { UnitPaths } from "./unit-paths.ts";

export interface UnitOptions {
  readonly binary: string;
  readonly config: string;
  readonly user: string;
  readonly watchdogSeconds: number;
  /** Other hosts may be spoken to (a database, scrapes from elsewhere). */
  readonly network: boolean;
  /** Group of the channels, which root makes ahead of each start; undefined: the first side that starts makes them. */
  readonly group: string | undefined;
  readonly paths: UnitPaths;
}

/** A word for a shell. */
export const shellWord = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replace(/'/g, "'\\''")}'`;

/** A path in a list of paths: systemd takes `%` for its own, and a list ends at white space. */
const pathWord = (text: string): string => {
  const escaped = text.replace(/%/g, "%%");
  return /^[\w@%+=:,./$-]+$/.test(escaped) ? escaped : `"${escaped.replace(/["\\]/g, "\\$&")}"`;
};

const CHANNELS_BY_ROOT = (run: string, group: string, file: string): string =>
  `# After a restart of the host /dev/shm is empty: root makes the channels for the group. What is there stays as it is.
ExecStartPre=+${run} init --group ${unitWord(group)} --config ${file}
`;
const CHANNELS_BY_THE_FIRST = `# After a restart of the host /dev/shm is empty. If the validator runs as another user than this
# service, make the channels for a group of both ahead of them (qos init --group GROUP), or print this unit with
# --group GROUP, which does that.
`;

/** A word of ExecStart: systemd takes `%`, `$`, quotes and backslashes for its own. */
export function unitWord(text: string): string {
  const escaped = text.replace(/%/g, "%%").replace(/\$/g, "$$$$");
  return /^[\w@%+=:,./$-]+$/.test(escaped) ? escaped : `"${escaped.replace(/["\\]/g, "\\$&")}"`;
}

export function unitText({ binary, config, user, watchdogSeconds, network, group, paths }: UnitOptions): string {
  const run = unitWord(binary);
  const file = unitWord(config);
  return `# qos as a service of systemd. Install:
#   qos service > /etc/systemd/system/qos.service && systemctl daemon-reload && systemctl enable --now qos
# It reads its configuration as its user: chown ${shellWord(user)} ${shellWord(config)}
# Huge pages are reserved by root beforehand: qos configure hugepages --apply (which also says how they last over a boot)

[Unit]
Description=qos, a QoS sidecar for a Solana validator
After=network.target
# It comes back whatever it died of: a validator without it loses money. One that cannot live for three seconds, 200 times
# in a row, stays down and is shown as failed: its program or configuration is missing.
StartLimitIntervalSec=600
StartLimitBurst=200

[Service]
Type=notify
NotifyAccess=main
User=${user}
${group === undefined ? CHANNELS_BY_THE_FIRST : CHANNELS_BY_ROOT(run, group, file)}ExecStartPre=${run} config check ${file}
ExecStart=${run} run --config ${file}
# Lists of senders and stakes are read again; nothing stops.
ExecReload=/bin/kill -HUP $MAINPID
Restart=always
RestartSec=1
TimeoutStartSec=30
TimeoutStopSec=15
# Beaten only while the loop turns.
WatchdogSec=${watchdogSeconds}
WatchdogSignal=SIGKILL

# Checkpoints and statistics: state = "/var/lib/qos/scores" in the configuration.
StateDirectory=qos
StateDirectoryMode=0700
WorkingDirectory=/var/lib/qos
UMask=0077
# The channels are shared memory of the validator's, and stay when this ends.
RemoveIPC=no
LimitMEMLOCK=infinity
LimitNOFILE=4096
LimitCORE=0
OOMScoreAdjust=-500
# The tables, the channels that it is charged for, and the runtime take a third of it at most (docs/operating.md).
MemoryMax=4G

# No rights but its user's.
NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
SecureBits=noroot-locked
RestrictSUIDSGID=yes
RestrictRealtime=yes
RestrictNamespaces=yes
LockPersonality=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources @mount @swap @reboot @debug @obsolete
# Pinning the loop to --cpu, and lowering nothing else.
SystemCallFilter=sched_setaffinity
SystemCallErrorNumber=EPERM
# The runtime compiles the loop: memory must be allowed to become code.
MemoryDenyWriteExecute=no

# No paths but these.
ProtectSystem=strict
ReadWritePaths=${["/dev/shm", "-/mnt/hugepages", ...paths.write.map(pathWord)].join(" ")}
${paths.home ? "# Its program, its configuration or a file that this names lies in a home.\nProtectHome=read-only" : "ProtectHome=yes"}
PrivateTmp=yes
PrivateDevices=yes
DevicePolicy=closed
PrivateUsers=no
ProtectProc=default
ProtectClock=yes
ProtectHostname=yes
ProtectControlGroups=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes

# ${network ? "It speaks to a database or is scraped from other hosts." : "It speaks to this host alone: metrics on loopback, a database over loopback or a file."}
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
${network ? "" : "IPAddressDeny=any\nIPAddressAllow=localhost\n"}
[Install]
WantedBy=multi-user.target
`;
}
