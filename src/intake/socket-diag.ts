/**
 * Asks the kernel who owns one TCP socket, in some ten microseconds, whatever number of sockets there is.
 *
 *     question: nlmsghdr (16 bytes), inet_diag_req_v2: family, protocol, states, then the socket's ends
 *     answer:   nlmsghdr, inet_diag_msg: family, state, the socket's ends, … uid, inode; or nlmsgerr: there is none
 *
 * Promises: an answer counts only if it is whole, to this question, and about this socket: for ends that no connection has,
 * the kernel tells of a listener on the first port. What was left of earlier answers is passed over.
 * Refuses sockets without an inode: the kernel says uid 0 of a socket whose program has closed it, whoever that was.
 */
import { endianness } from "node:os";
import type { End, LoopbackEnds } from "./loopback.ts";
import { type Netlink, openNetlink } from "./netlink.ts";

const AF_INET = 2;
const AF_INET6 = 10;
const IPPROTO_TCP = 6;
const NLM_F_REQUEST = 1;
const SOCK_DIAG_BY_FAMILY = 20;
const ANY_STATE = 0xffff_ffff;
const INET_DIAG_NOCOOKIE = 0xffff_ffff;

export const QUESTION_BYTES = 72;
/** nlmsghdr and inet_diag_msg; attributes may follow. */
const ANSWER_BYTES_MIN = 88;
const ANSWER_BYTES_MAX = 4096;
/** Answers that are looked at for one question: more than one only if earlier ones were left. */
const ANSWERS_MAX = 8;

/** Numbers are the machine's own, ports and addresses the network's. */
const LITTLE = endianness() === "LE";

/** One socket: its own end, and the end it is connected to. */
export interface SocketId {
  readonly local: End;
  readonly peer: End;
}

export interface Question extends SocketId {
  readonly sequence: number;
}

export class SocketDiag implements Disposable {
  readonly #netlink: Netlink;
  readonly #question = Buffer.alloc(QUESTION_BYTES);
  readonly #answer = Buffer.alloc(ANSWER_BYTES_MAX);
  #sequence = 0;

  /** Rejects unless the kernel tells the owner of `listening`, a socket of our own. */
  static async open(listening: End, netlink: () => Promise<Netlink> = openNetlink): Promise<SocketDiag> {
    const diag = new SocketDiag(await netlink());
    const noPeer = { address: [], port: 0 };
    if (diag.#ownerOf({ local: listening, peer: noPeer }) !== undefined) return diag;
    diag[Symbol.dispose]();
    throw new Error("the kernel does not know a socket of our own (it may lack tcp_diag)");
  }

  private constructor(netlink: Netlink) {
    this.#netlink = netlink;
  }

  /** The uid that has the client's socket; undefined when it is closed or not known. */
  ownerOf({ client, ours }: LoopbackEnds): number | undefined {
    return this.#ownerOf({ local: client, peer: ours });
  }

  [Symbol.dispose](): void {
    this.#netlink[Symbol.dispose]();
  }

  #ownerOf(id: SocketId): number | undefined {
    this.#sequence = (this.#sequence + 1) >>> 0;
    const question = { ...id, sequence: this.#sequence };
    writeQuestion(this.#question, question);
    if (!this.#netlink.send(this.#question)) return undefined;
    for (let n = 0; n < ANSWERS_MAX; n++) {
      const size = this.#netlink.receive(this.#answer);
      if (size === 0) return undefined;
      const owner = readAnswer(this.#answer.subarray(0, size), question);
      if (owner !== "stale") return owner;
    }
    return undefined;
  }
}

/** Writes all of `into`. IPv4 ends are asked for as such: the kernel finds IPv6 sockets with mapped addresses by them, too. */
export function writeQuestion(into: Buffer, { sequence, local, peer }: Question): void {
  const view = new DataView(into.buffer, into.byteOffset, QUESTION_BYTES);
  into.fill(0);
  view.setUint32(0, QUESTION_BYTES, LITTLE);
  view.setUint16(4, SOCK_DIAG_BY_FAMILY, LITTLE);
  view.setUint16(6, NLM_F_REQUEST, LITTLE);
  view.setUint32(8, sequence, LITTLE);
  view.setUint8(16, local.address.length === 4 ? AF_INET : AF_INET6);
  view.setUint8(17, IPPROTO_TCP);
  view.setUint32(20, ANY_STATE, LITTLE);
  view.setUint16(24, local.port);
  view.setUint16(26, peer.port);
  into.set(local.address, 28);
  into.set(peer.address, 44);
  view.setUint32(64, INET_DIAG_NOCOOKIE, LITTLE);
  view.setUint32(68, INET_DIAG_NOCOOKIE, LITTLE);
}

/** The owner's uid; undefined when the answer names none; `stale` when it is not to this question. */
export function readAnswer(
  answer: Buffer,
  { sequence, local, peer }: Question,
): number | "stale" | undefined {
  const view = new DataView(answer.buffer, answer.byteOffset, answer.length);
  if (answer.length < 16 || view.getUint32(8, LITTLE) !== sequence) return "stale";
  const sizeBytes = view.getUint32(0, LITTLE);
  const whole = sizeBytes >= ANSWER_BYTES_MIN && sizeBytes <= answer.length;
  if (!whole || view.getUint16(4, LITTLE) !== SOCK_DIAG_BY_FAMILY) return undefined;
  if (view.getUint16(20) !== local.port || view.getUint16(22) !== peer.port) return undefined;
  const [uid, inode] = [view.getUint32(80, LITTLE), view.getUint32(84, LITTLE)];
  return inode === 0 ? undefined : uid;
}
