/**
 * A netlink socket of the kernel's socket diagnosis (netlink(7), sock_diag(7)), which Node cannot open: through the C library.
 *
 * Promises: nothing ever waits, and no child inherits the socket; the library that calls C is loaded when the first is opened.
 * Refuses (rejects, with the reason) where that library has no build for this machine, and where the kernel, a filter of
 * system calls or RestrictAddressFamilies= allows no such socket.
 */
import { getSystemErrorName } from "node:util";

const AF_NETLINK = 16;
const NETLINK_SOCK_DIAG = 4;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;

export interface Netlink extends Disposable {
  /** Whether the kernel took it; what it answers is there when this returns. */
  send(message: Uint8Array): boolean;
  /** The size of the next answer, cut to fit; 0 when there is none, or it was lost. */
  receive(into: Uint8Array): number;
}

export async function openNetlink(): Promise<Netlink> {
  const { default: koffi } = await import("koffi");
  const libc = koffi.load(null); // the C library that Node itself has loaded, glibc or musl
  const socket = libc.func("int socket(int family, int type, int protocol)");
  const send = libc.func("long send(int fd, const uint8_t *message, size_t size, int flags)");
  const receive = libc.func("long recv(int fd, _Out_ uint8_t *into, size_t size, int flags)");
  const close = libc.func("int close(int fd)");

  const fd: number = socket(AF_NETLINK, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
  if (fd < 0) throw new Error(`Cannot open a netlink socket: ${getSystemErrorName(-koffi.errno())}`);
  return {
    send: (message) => send(fd, message, message.length, 0) === message.length,
    receive: (into) => Math.max(0, receive(fd, into, into.length, 0)),
    [Symbol.dispose]: () => void close(fd),
  };
}
