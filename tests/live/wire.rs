//! What is on the wire apart from ordinary traffic: tcpdump as a witness at the other end, a socket
//! that sends frames as they are, and the far end of a tunnel.

#![expect(
    unsafe_code,
    reason = "the address of a packet socket and the opening of a tunnel exist only in C"
)]

use std::fs::{self, File};
use std::io::Write as _;
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Context as _, Result, ensure};
use capture::iface;
use capture_common::GeneratorCounters;
use capture_tests::generator::Generator;
use capture_tests::netns::{Family, Host, Lab, Namespace};
use capture_tests::program::{Program, Signal};
use capture_tests::traffic::{self, Done, Volume};
use socket2::{Domain, SockAddr, Socket, Type};
use tempfile::TempDir;

/// One datagram each way. When it is through, so is all that was sent before over the same wire.
pub(crate) fn flush(lab: &Lab) -> Result<Done> {
    let volume = Volume {
        request_bytes: 1,
        response_bytes: 1,
    };
    traffic::datagrams(lab, Family::Ipv4, volume)
}

/// Frames under way at most where none is to be lost: `VETH_RING_SIZE` of drivers/net/veth.c is 256.
const UNDER_WAY: u64 = 128;

/// Sends frames as they are, and loses none however busy the machine is. Returns when all have arrived.
pub(crate) fn send_frames(host: &Host, frames: &[Vec<u8>]) -> Result<()> {
    let wire = Wire::open(host)?;
    host.namespace.enter(|| {
        let mut settled_then = settled(host.interface)?;
        for piece in frames.chunks(UNDER_WAY as usize) {
            piece.iter().try_for_each(|frame| wire.send(frame))?;
            settled_then += piece.len() as u64;
            while settled(host.interface)? < settled_then {
                thread::yield_now();
            }
        }
        Ok(())
    })
}

/// Sends `frames` frames, `rate` a second, and loses none however busy the machine is: there are never
/// more under way than a veth has places for.
pub(crate) fn send_all(
    host: &Host,
    generator: &mut Generator,
    frames: u64,
    rate: u64,
) -> Result<GeneratorCounters> {
    host.namespace.enter(|| {
        let index = iface::find(host.interface)?.index;
        let before = settled(host.interface)?;
        let mut sent = 0;
        while sent < frames {
            let piece = UNDER_WAY.min(frames - sent);
            generator.send(index, piece, Some(rate))?;
            sent += piece;
            // Others may send as well: more than these may have arrived.
            while settled(host.interface)? < before + sent {
                thread::yield_now();
            }
        }
        Ok(generator.counters()?)
    })
}

/// Frames that an interface of the calling thread's namespace has got rid of, delivered or dropped.
fn settled(interface: &str) -> Result<u64> {
    let table = fs::read_to_string("/proc/thread-self/net/dev")?;
    let counters = table.lines().find_map(|line| {
        let (name, counters) = line.split_once(':')?;
        (name.trim() == interface).then_some(counters)
    });
    let sent = counters.and_then(|counters| {
        // Eight of what was received, then bytes, packets, errors and drops of what was sent.
        let mut sent = counters.split_whitespace().skip(9);
        let packets: u64 = sent.next()?.parse().ok()?;
        let dropped: u64 = sent.nth(1)?.parse().ok()?;
        Some(packets + dropped)
    });
    sent.with_context(|| format!("{interface} in {table}"))
}

/// tcpdump, listening.
#[derive(Debug)]
pub(crate) struct Tcpdump {
    program: Program,
    folder: TempDir,
}

impl Tcpdump {
    /// Starts it on the interface of a host.
    ///
    /// It should be the end of the wire that is not captured: where an XDP program is attached the
    /// kernel merges segments (GRO) after the program and before sockets see them.
    pub(crate) fn start(host: &Host) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        // What it prints goes to stderr, line by line, so that one can wait for it.
        let mut command = host.namespace.command("sh");
        command
            .args(["-c", "exec tcpdump \"$@\" >&2", "tcpdump", "-Z", "root"])
            .args(["-nn", "-t", "-l", "--print", "-U", "--immediate-mode"])
            .args(["-B", "65536", "-i", host.interface, "-w"])
            .arg(folder.path().join("packets.pcap"));
        let mut program = Program::start(&mut command)?;
        program.wait_for_line("tcpdump: listening")?;
        Ok(Self { program, folder })
    }

    /// Ends it when it has seen all that was sent so far.
    pub(crate) fn end(mut self, lab: &Lab) -> Result<Seen> {
        let Done { client, server, .. } = flush(lab)?;
        let (c, s) = (client, server);
        self.program.wait_for_line(&format!(
            "IP {}.{} > {}.{}: ",
            s.ip(),
            s.port(),
            c.ip(),
            c.port()
        ))?;
        let ended = self.program.end_by(Signal::Interrupt)?;
        ensure!(ended.status.success(), "{}", ended.stderr);
        ensure!(
            ended.stderr.contains("\n0 packets dropped by kernel"),
            "{}",
            ended.stderr
        );
        Ok(Seen {
            folder: self.folder,
        })
    }
}

/// What tcpdump saw.
#[derive(Debug)]
pub(crate) struct Seen {
    folder: TempDir,
}

impl Seen {
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("packets.pcap")
    }
}

/// A socket that sends frames as they are out of one interface.
#[derive(Debug)]
pub(crate) struct Wire {
    socket: Socket,
    address: SockAddr,
}

impl Wire {
    pub(crate) fn open(host: &Host) -> Result<Self> {
        Self::open_on(&host.namespace, host.interface)
    }

    pub(crate) fn open_on(namespace: &Namespace, interface: &str) -> Result<Self> {
        namespace.enter(|| {
            let index = iface::find(interface)?.index;
            let socket = Socket::new(Domain::PACKET, Type::RAW, None).context("packet socket")?;
            // SAFETY: an address of a packet socket is shorter than the storage, for every address
            // of which zeros are valid.
            let ((), address) = unsafe {
                SockAddr::try_init(|storage, len| {
                    let address = libc::sockaddr_ll {
                        sll_family: libc::AF_PACKET as u16,
                        sll_protocol: 0,
                        sll_ifindex: index.cast_signed(),
                        sll_hatype: 0,
                        sll_pkttype: 0,
                        sll_halen: 6,
                        sll_addr: [0; 8],
                    };
                    storage.cast::<libc::sockaddr_ll>().write(address);
                    *len = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
                    Ok(())
                })
            }?;
            Ok(Self { socket, address })
        })
    }

    /// Sends a frame, from the Ethernet header on.
    pub(crate) fn send(&self, frame: &[u8]) -> Result<()> {
        let sent = self.socket.send_to(frame, &self.address)?;
        ensure!(sent == frame.len(), "only a part of the frame was sent");
        Ok(())
    }
}

/// The far end of a tunnel: what is written to it comes in at the device.
#[derive(Debug)]
pub(crate) struct Tunnel(File);

impl Tunnel {
    /// `_IOW('T', 202, int)` of `linux/if_tun.h`.
    const TUNSETIFF: libc::Ioctl = 0x4004_54ca;

    /// Makes the device in a namespace; it is gone with the value.
    pub(crate) fn open(namespace: &Namespace, name: &str) -> Result<Self> {
        namespace.enter(|| {
            let file = File::options()
                .read(true)
                .write(true)
                .open("/dev/net/tun")?;
            // `struct ifreq`: the name, the flags, and nothing else.
            let mut request = [0_u8; 40];
            request[..name.len()].copy_from_slice(name.as_bytes());
            let flags = (libc::IFF_TUN | libc::IFF_NO_PI) as u16;
            request[16..18].copy_from_slice(&flags.to_ne_bytes());
            // SAFETY: the request is as long as the kernel's structure, and lives longer than the call.
            let failed =
                unsafe { libc::ioctl(file.as_raw_fd(), Self::TUNSETIFF, request.as_mut_ptr()) };
            ensure!(failed == 0, std::io::Error::last_os_error());
            Ok(Self(file))
        })
    }

    /// Lets an IP packet come in.
    pub(crate) fn send(&mut self, packet: &[u8]) -> Result<()> {
        ensure!(self.0.write(packet)? == packet.len(), "a part was sent");
        Ok(())
    }
}

/// Whether a capture file is in strict time order, as capinfos says.
pub(crate) fn is_in_order(file: &Path) -> Result<bool> {
    let mut command = std::process::Command::new("capinfos");
    command.args(["-o"]).arg(file);
    let text = capture_tests::oracle::output(&mut command)?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("Strict time order:"))
        .with_context(|| format!("capinfos says: {text}"))?;
    Ok(line.trim() == "True")
}
