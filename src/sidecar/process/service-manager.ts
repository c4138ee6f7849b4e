// The service manager's side (systemd's sd_notify protocol): readiness once the loop turns, and a watchdog beat that proves
// the loop's own progress: where the loop stands still there is none, however lively this thread may be.

import { sendDatagram, socketAddress } from "../../../ffi/notify.ts";
import { messageOf } from "../../failure.ts";
import type { Log } from "./log.ts";

const READY_LOOK_MS = 20;
/** Beats in the manager's limit: two may come late. */
const BEATS = 4;
const MICROS_PER_MS = 1_000;

export interface ServiceEnvironment {
  readonly NOTIFY_SOCKET?: string | undefined;
  readonly WATCHDOG_USEC?: string | undefined;
  readonly WATCHDOG_PID?: string | undefined;
}

export class ServiceManager {
  #timer: Timer | undefined;
  #turnsBefore = 0;
  #failing = false;
  readonly #address: Uint8Array;

  constructor(
    socket: string,
    /** undefined: no watchdog. */
    private readonly watchdogMs: number | undefined,
    /** Turns of the loop so far. */
    private readonly turns: () => number,
    private readonly log: Log,
    private readonly send: typeof sendDatagram = sendDatagram,
  ) {
    this.#address = socketAddress(socket);
  }

  /** Says that it is ready as soon as the loop turns, and begins to beat. @param status in words, for the operator */
  begin(status = "the loop turns"): void {
    this.#timer = setInterval(() => {
      this.#turnsBefore = this.turns();
      if (this.#turnsBefore <= 0) return;
      this.#say(`READY=1\nSTATUS=${status}`);
      clearInterval(this.#timer);
      this.#timer = undefined;
      if (this.watchdogMs !== undefined) this.#timer = setInterval(() => this.beat(), this.watchdogMs / BEATS);
    }, READY_LOOK_MS);
  }

  /** A beat, if the loop has turned since the last one. */
  beat(): void {
    const turns = this.turns();
    if (turns === this.#turnsBefore) return;
    this.#turnsBefore = turns;
    this.#say("WATCHDOG=1");
  }

  /** No more beats from here: another one goes on. */
  handOver(): void {
    clearInterval(this.#timer);
  }

  /** The end has begun; no more beats. */
  stopping(): void {
    clearInterval(this.#timer);
    this.#say("STOPPING=1");
  }

  #say(message: string): void {
    try {
      this.send(this.#address, message);
      this.#failing = false;
    } catch (error) {
      if (!this.#failing) this.log.warn(`the service manager does not listen: ${messageOf(error)}`);
      this.#failing = true;
    }
  }
}

/**
 * The watchdog's limit that is meant for this process.
 * @returns undefined for none
 */
export function watchdogMs({ WATCHDOG_USEC, WATCHDOG_PID }: ServiceEnvironment, pid: number): number | undefined {
  if (WATCHDOG_USEC === undefined || !/^\d{1,15}$/.test(WATCHDOG_USEC) || Number(WATCHDOG_USEC) <= 0) return undefined;
  if (WATCHDOG_PID !== undefined && WATCHDOG_PID !== "" && Number(WATCHDOG_PID) !== pid) return undefined;
  return Number(WATCHDOG_USEC) / MICROS_PER_MS;
}

/** @returns undefined if no service manager waits for messages */
export function openServiceManager(
  environment: ServiceEnvironment,
  pid: number,
  turns: () => number,
  log: Log,
): ServiceManager | undefined {
  const { NOTIFY_SOCKET } = environment;
  if (NOTIFY_SOCKET === undefined || NOTIFY_SOCKET === "") return undefined;
  try {
    return new ServiceManager(NOTIFY_SOCKET, watchdogMs(environment, pid), turns, log);
  } catch (error) {
    log.warn(`NOTIFY_SOCKET: ${messageOf(error)}`);
    return undefined;
  }
}
