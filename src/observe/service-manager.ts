/**
 * What systemd hears of us: datagrams on its unix socket (sd_notify(3)), which Node cannot send: through the C library.
 *
 * Promises: nothing ever waits for the service manager, and no child inherits the socket.
 * Refuses (rejects, with the reason) where the library that calls C has no build for this machine.
 */
import { endianness } from "node:os";
import { getSystemErrorName } from "node:util";

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
/** unix(7): sun_path. */
const PATH_BYTES = 108;

/** What it wants of a program that it starts. */
export interface Supervision {
  /** Where it listens: a path, or an abstract name with `@` for its first byte. */
  readonly socket: string;
  /** It kills us when it hears nothing for so long; undefined when it does not. */
  readonly watchdogMs: number | undefined;
}

export interface ServiceManager extends Disposable {
  /** Says these lines at once; false when it did not take them: its queue is full, or it is gone. */
  tell(...lines: readonly string[]): boolean;
}

/** `address` is a path, or an abstract name with `@` for its first byte. */
export async function openServiceManager(address: Supervision["socket"]): Promise<ServiceManager> {
  const name = socketAddress(address);
  const { default: koffi } = await import("koffi");
  const libc = koffi.load(null); // the C library that Node itself has loaded, glibc or musl
  const socket = libc.func("int socket(int family, int type, int protocol)");
  const close = libc.func("int close(int fd)");
  const send = libc.func(
    "long sendto(int fd, const uint8_t *message, size_t size, int flags, const uint8_t *name, uint32_t nameSize)",
  );
  const fd: number = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) throw new Error(`Cannot open a unix socket: ${getSystemErrorName(-koffi.errno())}`);
  return {
    tell: (...lines) => {
      const message = Buffer.from(lines.join("\n"));
      const flags = MSG_DONTWAIT | MSG_NOSIGNAL;
      return send(fd, message, message.length, flags, name, name.length) === message.length;
    },
    [Symbol.dispose]: () => void close(fd),
  };
}

/** sockaddr_un: the family in the machine's byte order, then the path with its NUL, or NUL and the abstract name. */
function socketAddress(address: string): Buffer {
  const path = Buffer.from(address.startsWith("@") ? `\0${address.slice(1)}` : `${address}\0`);
  if (path.length > PATH_BYTES)
    throw new Error(`Cannot reach ${address} as a unix socket's name has at most ${PATH_BYTES} bytes`);
  const family = Buffer.alloc(2);
  if (endianness() === "LE") family.writeUInt16LE(AF_UNIX);
  else family.writeUInt16BE(AF_UNIX);
  return Buffer.concat([family, path]);
}
