/** A service manager's ear: a unix datagram socket, at a path or an abstract name, that keeps what it was told. */
import { endianness } from "node:os";
import koffi from "koffi";

const [AF_UNIX, SOCK_DGRAM, SOCK_NONBLOCK, SOCK_CLOEXEC] = [1, 2, 0o4000, 0o2000000];

export interface NotifySocket extends Disposable {
  /** Every message so far, as it came. */
  heard(): readonly string[];
}

/** `address` as in NOTIFY_SOCKET. */
export function notifySocket(address: string): NotifySocket {
  const libc = koffi.load(null);
  const socket = libc.func("int socket(int family, int type, int protocol)");
  const bind = libc.func("int bind(int fd, const uint8_t *name, uint32_t size)");
  const receive = libc.func("long recv(int fd, _Out_ uint8_t *into, size_t size, int flags)");
  const close = libc.func("int close(int fd)");
  const family = Buffer.from(endianness() === "LE" ? [AF_UNIX, 0] : [0, AF_UNIX]);
  const path = address.startsWith("@") ? `\0${address.slice(1)}` : `${address}\0`;
  const name = Buffer.concat([family, Buffer.from(path)]);
  const fd: number = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0 || bind(fd, name, name.length) !== 0) throw new Error(`Cannot listen at ${address}`);
  const messages: string[] = [];
  const into = Buffer.alloc(4096);
  return {
    heard() {
      const next = (): number => receive(fd, into, into.length, 0);
      for (let size = next(); size > 0; size = next()) messages.push(into.toString("utf8", 0, size));
      return messages;
    },
    [Symbol.dispose]: () => void close(fd),
  };
}
