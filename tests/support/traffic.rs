//! Real traffic between the two hosts of a [`Lab`], by the kernel's own stack. Each scenario says
//! exactly what it did, so that a test can hold a record against it.
//!
//! Nothing sleeps: a scenario has ended when the sockets say so. The timeouts are there only so
//! that a broken wire fails instead of hanging.

use std::fmt;
use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use socket2::{Domain, Socket, Type};

use crate::echo::echo;
use crate::netns::{Family, Host, Lab};

/// How long a socket may stay silent before the scenario fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// How long the unanswered scenario waits: shorter than the kernel's first retransmission of a SYN
/// (1 s, RFC 6298 section 2.1), so that exactly one goes out.
const UNANSWERED: Duration = Duration::from_millis(200);

/// What the kernel's stack did with a flow, in the words of a connection record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// TCP: established, data both ways, FIN and its acknowledgment both ways.
    Closed,
    /// TCP: established, data both ways, ended by a RST.
    Reset,
    /// TCP: a SYN that was answered by a RST.
    Refused,
    /// TCP: a SYN that was never answered.
    Unanswered,
    /// Not TCP: a request and its response.
    Answered,
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Closed => "closed",
            Self::Reset => "reset",
            Self::Refused => "refused",
            Self::Unanswered => "unanswered",
            Self::Answered => "answered",
        })
    }
}

/// Protocol above IP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// ICMP or, over IPv6, `ICMPv6`.
    Icmp,
}

impl fmt::Display for Protocol {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Icmp => "icmp",
        })
    }
}

/// What a scenario did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// What it is called when shown to a person.
    pub name: &'static str,
    /// Protocol above IP.
    pub protocol: Protocol,
    /// The side that sent first; its port is 0 for ICMP.
    pub client: SocketAddr,
    /// The other side; its port is 0 for ICMP.
    pub server: SocketAddr,
    /// Payload bytes that the client sent, and that the server read.
    pub request_bytes: u64,
    /// Payload bytes that the server sent, and that the client read.
    pub response_bytes: u64,
    /// How it ended.
    pub expected: Outcome,
}

/// A side of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The one that connects.
    Client,
    /// The one that accepts.
    Server,
}

/// How much goes each way, payload bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Volume {
    /// From the client.
    pub request_bytes: usize,
    /// From the server.
    pub response_bytes: usize,
}

impl Default for Volume {
    fn default() -> Self {
        Self {
            request_bytes: 100,
            response_bytes: 10_000,
        }
    }
}

/// Connects, sends a request, reads the response, and closes in order, `first` first.
///
/// # Errors
///
/// When a socket does anything else.
pub fn closed(lab: &Lab, family: Family, first: Side, volume: Volume) -> Result<Done> {
    let addresses = connection(lab, family, volume, |stream, side| {
        // Whoever is second reads to the end before it closes; whoever is first reads to the end
        // after it has closed its direction.
        if side == first {
            stream
                .shutdown(Shutdown::Write)
                .context("closing the own direction")?;
        }
        let rest = stream
            .read(&mut [0; 1])
            .context("waiting for the end of the other direction")?;
        ensure!(rest == 0, "data after the response");
        if side != first {
            stream
                .shutdown(Shutdown::Write)
                .context("closing the own direction")?;
        }
        Ok(())
    })?;
    let name = match first {
        Side::Client => "closed by the client first",
        Side::Server => "closed by the server first",
    };
    Ok(done(
        name,
        Protocol::Tcp,
        addresses,
        volume,
        Outcome::Closed,
    ))
}

/// Connects, sends a request, reads the response, and then `by` resets the connection.
///
/// # Errors
///
/// When a socket does anything else, such as an end in order.
pub fn reset(lab: &Lab, family: Family, by: Side, volume: Volume) -> Result<Done> {
    // A RST throws away what is still on its way, so the other side has everything before.
    let (has_everything, everything) = mpsc::channel();
    let everything = Mutex::new(everything);
    let addresses = connection(lab, family, volume, |stream, side| {
        if side == by {
            if side == Side::Server {
                let everything = everything.lock().unwrap_or_else(PoisonError::into_inner);
                everything
                    .recv_timeout(PATIENCE)
                    .context("waiting until the client has read the response")?;
            }
            // Closing with a linger time of zero sends RST; the caller drops the stream.
            let socket = Socket::from(stream.try_clone().context("second handle of the socket")?);
            return socket
                .set_linger(Some(Duration::ZERO))
                .context("setting the linger time");
        }
        has_everything.send(()).context("nobody waits")?;
        match stream.read(&mut [0; 1]) {
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => Ok(()),
            other => bail!("expected a reset, got {other:?}"),
        }
    })?;
    let name = match by {
        Side::Client => "reset by the client",
        Side::Server => "reset by the server",
    };
    Ok(done(name, Protocol::Tcp, addresses, volume, Outcome::Reset))
}

/// Connects to a port on which nobody listens.
///
/// # Errors
///
/// When the connection is not refused.
pub fn refused(lab: &Lab, family: Family) -> Result<Done> {
    let server = lab.server.namespace.enter(|| {
        // A port that was just given out and given back is not used by anyone else in there.
        let listener =
            TcpListener::bind((lab.server.address(family), 0)).context("finding a port")?;
        Ok(listener.local_addr()?)
    })?;
    let (client, error) = failed_connect(&lab.client, server, PATIENCE)?;
    ensure!(
        error.kind() == io::ErrorKind::ConnectionRefused,
        "expected a refusal, got: {error}"
    );
    Ok(done(
        "port refused",
        Protocol::Tcp,
        (client, server),
        NOTHING,
        Outcome::Refused,
    ))
}

/// Connects to an address from which nothing comes back; exactly one SYN goes out.
///
/// # Errors
///
/// When something does come back.
pub fn unanswered(lab: &Lab, family: Family) -> Result<Done> {
    let address = match family {
        Family::Ipv4 => IpAddr::from(Lab::SILENT_IPV4),
        Family::Ipv6 => Lab::SILENT_IPV6.into(),
    };
    let server = SocketAddr::new(address, 80);
    let (client, error) = failed_connect(&lab.client, server, UNANSWERED)?;
    ensure!(
        error.kind() == io::ErrorKind::TimedOut,
        "expected silence, got: {error}"
    );
    Ok(done(
        "SYN never answered",
        Protocol::Tcp,
        (client, server),
        NOTHING,
        Outcome::Unanswered,
    ))
}

/// One datagram there and one back; each must fit the MTU.
///
/// # Errors
///
/// When one gets lost.
pub fn datagrams(lab: &Lab, family: Family, volume: Volume) -> Result<Done> {
    let server_socket = bound_udp(&lab.server, family)?;
    let client_socket = bound_udp(&lab.client, family)?;
    let (client, server) = (client_socket.local_addr()?, server_socket.local_addr()?);

    // A socket stays in the namespace in which it was opened, whoever uses it.
    let mut buffer = vec![0; 65_536];
    client_socket
        .send_to(&vec![b'?'; volume.request_bytes], server)
        .context("sending the request")?;
    let (len, from) = server_socket
        .recv_from(&mut buffer)
        .context("waiting for the request")?;
    ensure!(
        (len, from) == (volume.request_bytes, client),
        "another request than the one that was sent"
    );
    server_socket
        .send_to(&vec![b'!'; volume.response_bytes], from)
        .context("sending the response")?;
    let (len, from) = client_socket
        .recv_from(&mut buffer)
        .context("waiting for the response")?;
    ensure!(
        (len, from) == (volume.response_bytes, server),
        "another response than the one that was sent"
    );
    Ok(done(
        "request and response",
        Protocol::Udp,
        (client, server),
        volume,
        Outcome::Answered,
    ))
}

/// `count` echo requests with 56 bytes of data each, as `ping` sends them, all of them answered.
///
/// # Errors
///
/// When one is not.
pub fn ping(lab: &Lab, family: Family, count: u16) -> Result<Done> {
    const ECHO_BYTES: usize = 56;
    echo(&lab.client, &lab.server, family, count, ECHO_BYTES)?;
    let bytes = usize::from(count) * ECHO_BYTES;
    let volume = Volume {
        request_bytes: bytes,
        response_bytes: bytes,
    };
    let address = |host: &Host| SocketAddr::new(host.address(family), 0);
    let addresses = (address(&lab.client), address(&lab.server));
    Ok(done(
        "echo and reply",
        Protocol::Icmp,
        addresses,
        volume,
        Outcome::Answered,
    ))
}

const NOTHING: Volume = Volume {
    request_bytes: 0,
    response_bytes: 0,
};

fn done(
    name: &'static str,
    protocol: Protocol,
    (client, server): (SocketAddr, SocketAddr),
    volume: Volume,
    expected: Outcome,
) -> Done {
    Done {
        name,
        protocol,
        client,
        server,
        request_bytes: volume.request_bytes as u64,
        response_bytes: volume.response_bytes as u64,
        expected,
    }
}

/// A TCP connection with a request and a response; both sides then do what `ending` says.
/// Gives the addresses of client and server.
fn connection(
    lab: &Lab,
    family: Family,
    volume: Volume,
    ending: impl Fn(&mut TcpStream, Side) -> Result<()> + Sync,
) -> Result<(SocketAddr, SocketAddr)> {
    let listener = lab.server.namespace.enter(|| {
        TcpListener::bind((lab.server.address(family), 0)).context("listening on the server's side")
    })?;
    let server = listener.local_addr()?;
    let ending = &ending;
    thread::scope(|scope| {
        let (failed, failure) = mpsc::channel();
        let accepting = scope.spawn(move || {
            let result = serve(&listener, volume, ending);
            if result.is_err() {
                let _nobody_waits = failed.send(());
            }
            result
        });
        let request = || -> Result<SocketAddr> {
            let mut stream = lab.client.namespace.enter(|| {
                TcpStream::connect_timeout(&server, PATIENCE)
                    .with_context(|| format!("connecting to {server}"))
            })?;
            let client = stream.local_addr()?;
            patient(&stream)?;
            stream
                .write_all(&vec![b'?'; volume.request_bytes])
                .context("sending the request")?;
            let mut response = vec![0; volume.response_bytes];
            stream
                .read_exact(&mut response)
                .context("reading the response")?;
            ensure!(
                response.iter().all(|byte| *byte == b'!'),
                "the response is not what was sent"
            );
            ending(&mut stream, Side::Client).context("on the client's side")?;
            Ok(client)
        };
        let client = request();
        if client.is_err() && failure.try_recv().is_err() {
            // The server may still wait for a connection that never came.
            drop(
                lab.client
                    .namespace
                    .enter(|| Ok(TcpStream::connect_timeout(&server, PATIENCE)?)),
            );
        }
        let served = match accepting.join() {
            Ok(served) => served,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        let client = client?;
        ensure!(
            served? == client,
            "the server was connected to by somebody else"
        );
        Ok((client, server))
    })
}

/// The server's side of [`connection`]; gives the address of the client.
fn serve(
    listener: &TcpListener,
    volume: Volume,
    ending: impl Fn(&mut TcpStream, Side) -> Result<()>,
) -> Result<SocketAddr> {
    let (mut stream, client) = listener.accept().context("accepting the connection")?;
    patient(&stream)?;
    let mut request = vec![0; volume.request_bytes];
    stream
        .read_exact(&mut request)
        .context("reading the request")?;
    ensure!(
        request.iter().all(|byte| *byte == b'?'),
        "the request is not what was sent"
    );
    stream
        .write_all(&vec![b'!'; volume.response_bytes])
        .context("sending the response")?;
    ending(&mut stream, Side::Server).context("on the server's side")?;
    Ok(client)
}

fn patient(stream: &TcpStream) -> Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(())
}

/// Tries to connect from a port that is known beforehand; gives its address and the error.
fn failed_connect(
    from: &Host,
    to: SocketAddr,
    patience: Duration,
) -> Result<(SocketAddr, io::Error)> {
    from.namespace.enter(|| {
        let socket =
            Socket::new(Domain::for_address(to), Type::STREAM, None).context("opening a socket")?;
        let own = from.address(if to.is_ipv4() {
            Family::Ipv4
        } else {
            Family::Ipv6
        });
        socket
            .bind(&SocketAddr::new(own, 0).into())
            .context("taking a port")?;
        let own = socket
            .local_addr()?
            .as_socket()
            .context("an address that is not of the internet")?;
        match socket.connect_timeout(&to.into(), patience) {
            Ok(()) => bail!("connected to {to}, where nobody should be"),
            Err(error) => Ok((own, error)),
        }
    })
}

fn bound_udp(host: &Host, family: Family) -> Result<UdpSocket> {
    host.namespace.enter(|| {
        let socket = UdpSocket::bind((host.address(family), 0)).context("opening a UDP socket")?;
        socket.set_read_timeout(Some(PATIENCE))?;
        Ok(socket)
    })
}
