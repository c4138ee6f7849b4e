// The systemd unit that `qos service` prints: no rights but those of its user, no paths but the channels', its state's and
// the configuration's, a watchdog on the loop's progress, and a restart whatever it died of.

export interface UnitOptions {
  readonly binary: string;
  readonly config: string;
  readonly user: string;
  readonly watchdogSeconds: number;
  /** Other hosts may be spoken to (a database, scrapes from elsewhere). */
  readonly network: boolean;
}

/** A word of ExecStart: systemd takes `%`, `$`, quotes and backslashes for its own. */
export function unitWord(text: string): string {
  const escaped = text.replace(/%/g, "%%").replace(/\$/g, "$$$$");
  return /^[\w@%+=:,./$-]+$/.test(escaped) ? escaped : `"${escaped.replace(/["\\]/g, "\\$&")}"`;
}

export function unitText({ binary, config, user, watchdogSeconds, network }: UnitOptions): string {
  const run = unitWord(binary);
  const file = unitWord(config);
  return `# qos as a service of systemd. Install:
#   qos service > /etc/systemd/system/qos.service && systemctl daemon-reload && systemctl enable --now qos
# It reads its configuration as its user: chown ${user} ${config}
# Huge pages are reserved by root beforehand: qos configure hugepages --apply

[Unit]
Description=qos, a QoS sidecar for a Solana validator
Documentation=man:qos(1)
After=network.target
# It comes back for ever: a validator without it loses money.
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=main
User=${user}
ExecStartPre=${run} config check ${file}
ExecStart=${run} run --config ${file}
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
ReadWritePaths=/dev/shm -/mnt/hugepages
ProtectHome=yes
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
