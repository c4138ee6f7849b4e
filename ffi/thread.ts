// The calling thread: its core, its name, its own CPU time. Each function concerns the calling thread alone, except the one
// that gives up the right to new privileges for all threads at once.

import { ptr as addressOf, FFIType } from "bun:ffi";
import { cString, errno, openLibc, SystemError } from "./libc.ts";

/** Loaded at its use: the loop's thread needs no files, and the module would cost its start 2 ms. */
const files = () => process.getBuiltinModule("node:fs");

const { i32, i64_fast, u64, u64_fast, ptr } = FFIType;
const libc = openLibc({
  sched_setaffinity: { args: [i32, u64, ptr], returns: i32 },
  prctl: { args: [i32, u64_fast, u64_fast, u64_fast, u64_fast], returns: i32 },
  clock_gettime: { args: [i32, ptr], returns: i32 },
  syscall: { args: [u64_fast, u64_fast, u64_fast, ptr], returns: i64_fast },
});

const PR_SET_NAME = 15;
const PR_SET_NO_NEW_PRIVS = 38;
const CLOCK_THREAD_CPUTIME_ID = 3;
/** seccomp(2) has no function in the C library. */
const SYS_SECCOMP = process.arch === "arm64" ? 277 : 317;
const SECCOMP_SET_MODE_FILTER = 1;
/** For all threads, and without mitigations, which would slow the loop down for nothing: this filter confines nothing. */
const TSYNC_AND_SPEC_ALLOW = 1 | 4;
/** struct sock_filter { u16 code; u8 jt, jf; u32 k }: return SECCOMP_RET_ALLOW. */
const ALLOW_ALL = new Uint32Array([0x06, 0x7fff_0000]);
const THREADS = "/proc/self/task";
const CPU_SET_BYTES = 128; // 1024 cores, glibc's cpu_set_t
const NAME_MAX_BYTES = 15;
const NANOS_PER_SECOND = 1e9;

/** The cores that the calling thread may run on, in ascending order. */
export function allowedCpus(): number[] {
  const status = files().readFileSync("/proc/thread-self/status", "latin1");
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1] ?? "";
  return list.split(",").flatMap((range) => {
    const [first, last = first] = range.split("-").map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}

/**
 * Pins the calling thread to one core.
 * @throws RangeError for a core that this thread may not run on, SystemError if the kernel refuses
 */
export function pinThread(cpu: number): void {
  const allowed = allowedCpus();
  if (!allowed.includes(cpu)) {
    throw new RangeError(`core ${cpu} is not among those that this process may use: ${allowed.join(", ")}`);
  }
  const set = new Uint8Array(CPU_SET_BYTES);
  set[cpu >> 3] = 1 << (cpu & 7);
  if (libc.sched_setaffinity(0, set.length, set) !== 0) {
    throw SystemError.of("sched_setaffinity", `core ${cpu}`, errno());
  }
}

/** Names the calling thread as `top -H` shows it. @param name at most 15 bytes */
export function nameThread(name: string): void {
  const bytes = cString(name);
  if (bytes.length > NAME_MAX_BYTES + 1)
    throw new RangeError(`a thread's name has at most ${NAME_MAX_BYTES} bytes: ${name}`);
  if (libc.prctl(PR_SET_NAME, addressOf(bytes), 0, 0, 0) !== 0) throw SystemError.of("prctl", "PR_SET_NAME", errno());
}

/**
 * After this no program that any thread of this process runs can gain privileges (by setuid files, or files with
 * capabilities). prctl concerns the calling thread alone, and the runtime starts threads of its own before our first line. A
 * seccomp filter is the one way to all threads: it allows everything, and with it the kernel gives every thread the caller's
 * no_new_privs bit.
 * @returns ids of threads that still can gain privileges: none, unless the kernel has no such filter
 */
export function denyNewPrivileges(): number[] {
  if (libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) !== 0) throw SystemError.of("prctl", "PR_SET_NO_NEW_PRIVS", errno());
  if (threadsThatMayGain().length === 0) return []; // the service manager saw to it
  // struct sock_fprog { u16 length; sock_filter *filter }
  const program = new BigUint64Array([1n, BigInt(addressOf(ALLOW_ALL))]);
  libc.syscall(SYS_SECCOMP, SECCOMP_SET_MODE_FILTER, TSYNC_AND_SPEC_ALLOW, program);
  return threadsThatMayGain();
}

function threadsThatMayGain(): number[] {
  const fs = files();
  return fs.readdirSync(THREADS).flatMap((thread) => {
    try {
      const status = fs.readFileSync(`${THREADS}/${thread}/status`, "latin1");
      return /^NoNewPrivs:\s*1$/m.test(status) ? [] : [Number(thread)];
    } catch {
      return []; // it ended meanwhile
    }
  });
}

// struct timespec { i64 seconds; i64 nanoseconds }: CPU seconds and nanoseconds both fit the low words
const timespec = new Uint32Array(4);

/** Nanoseconds of CPU that the calling thread has used: on a shared host the only honest measure. Allocates nothing. */
export function threadCpuNanos(): number {
  libc.clock_gettime(CLOCK_THREAD_CPUTIME_ID, timespec);
  return timespec[0] * NANOS_PER_SECOND + timespec[2];
}
