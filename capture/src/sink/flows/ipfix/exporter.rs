//! Messages to a collector: sent as records come, with the templates that it needs to read them. A
//! collector that goes away costs records, which are counted, and nothing else.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use super::collector::{Collector, CollectorError, Transport};
use super::element::Source;
use super::message::{Full, MessageBuilder};
use crate::flow::FlowRecord;
use crate::packet::Timestamp;

/// Length of a datagram in bytes that passes every usual path: RFC 7011 section 10.3.3 wants none that
/// is fragmented, and tunnels take some of the 1500 of Ethernet.
const UDP_MESSAGE_LEN: usize = 1_400;
/// Length of a message over TCP in bytes.
const TCP_MESSAGE_LEN: usize = 1 << 15;
/// Templates are sent again over UDP after this long, or this many messages (RFC 7011 section 8.4): a
/// collector that was started later has to wait for them.
const TEMPLATE_LIFE: Duration = Duration::from_mins(1);
const TEMPLATE_MESSAGES: u32 = 500;
/// How long a collector may refuse to take more before it counts as gone.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a connection may take to be made: at first, and while records wait.
const CONNECT: Duration = Duration::from_secs(5);
const RECONNECT: Duration = Duration::from_secs(1);
/// How long to wait before a connection is tried again: doubled each time.
const FIRST_BACKOFF: Duration = Duration::from_secs(1);
const LAST_BACKOFF: Duration = Duration::from_mins(1);

/// The time by both clocks.
#[derive(Clone, Copy, Debug)]
pub(in crate::sink::flows) struct Now {
    /// For spans of time.
    pub(in crate::sink::flows) instant: Instant,
    /// Seconds since 1970, for message headers.
    pub(in crate::sink::flows) unix_secs: u32,
}

impl Now {
    /// What the clocks say.
    pub(in crate::sink::flows) fn read() -> Self {
        Self {
            instant: Instant::now(),
            unix_secs: Timestamp::now().secs() as u32,
        }
    }
}

/// What became of records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::sink::flows) struct Exported {
    /// Records that were sent, and not refused as far as that was heard.
    pub(in crate::sink::flows) sent: u64,
    /// Records that could not be sent, or were refused.
    pub(in crate::sink::flows) lost: u64,
}

impl Exported {
    fn add(&mut self, other: Self) {
        self.sent += other.sent;
        self.lost += other.lost;
    }
}

/// What sends records to a collector.
#[derive(Debug)]
pub(in crate::sink::flows) struct Exporter {
    session: Session,
    builder: MessageBuilder,
    error: Option<io::Error>,
}

#[derive(Debug)]
enum Session {
    Tcp(Connection),
    Udp(Datagrams),
}

impl Exporter {
    /// Finds the collector and, with TCP, connects to it.
    ///
    /// # Errors
    ///
    /// When it has no address, or cannot be reached.
    pub(in crate::sink::flows) fn new(collector: &Collector) -> Result<Self, CollectorError> {
        let addrs = collector.resolve()?;
        let (session, max_len) = match collector.transport {
            Transport::Tcp => (Connection::new(addrs).map(Session::Tcp), TCP_MESSAGE_LEN),
            Transport::Udp => (Datagrams::new(&addrs).map(Session::Udp), UDP_MESSAGE_LEN),
        };
        let session = session.map_err(|error| CollectorError::Unreachable {
            collector: collector.clone(),
            error,
        })?;
        Ok(Self {
            session,
            builder: MessageBuilder::new(max_len),
            error: None,
        })
    }

    /// Sends records; `iface` gives the name of a record's interface. Takes no longer than
    /// [`PATIENCE`] beyond what the collector takes.
    pub(in crate::sink::flows) fn export<'a>(
        &mut self,
        records: &'a [FlowRecord],
        iface: impl Fn(&'a FlowRecord) -> &'a str,
        now: Now,
    ) -> Exported {
        let mut exported = Exported::default();
        for record in records {
            if !self.session.is_up(now, &mut self.error) {
                exported.lost += 1;
                continue;
            }
            let source = Source {
                record,
                iface: iface(record),
            };
            if self.add(&source, now).is_ok() {
                continue;
            }
            exported.add(self.send(now));
            // A record fits into a message that has nothing but the templates before it.
            if !self.session.is_up(now, &mut self.error) || self.add(&source, now).is_err() {
                exported.lost += 1;
            }
        }
        exported.add(self.send(now));
        exported
    }

    /// Ends the session; what became of the last records is known only now.
    pub(in crate::sink::flows) fn finish(&mut self, now: Now) -> Exported {
        let mut exported = self.send(now);
        match &mut self.session {
            Session::Tcp(connection) => connection.stream = None,
            Session::Udp(datagrams) => exported.add(datagrams.settle(&mut self.error)),
        }
        exported
    }

    /// What went wrong last, if anything did.
    pub(in crate::sink::flows) const fn take_error(&mut self) -> Option<io::Error> {
        self.error.take()
    }

    /// Puts a record into the message, with the templates before it if it is time for them.
    fn add(&mut self, source: &Source<'_>, now: Now) -> Result<(), Full> {
        if self.builder.is_empty() && self.session.wants_templates(now) {
            self.builder.templates();
        }
        self.builder.record(source)
    }

    /// Sends the message, if there is one.
    fn send(&mut self, now: Now) -> Exported {
        let Self {
            session,
            builder,
            error,
        } = self;
        let mut exported = Exported::default();
        builder.finish(now.unix_secs, |message| {
            exported = match session {
                Session::Tcp(connection) => {
                    connection.send(message.bytes, message.records, now, error)
                }
                Session::Udp(datagrams) => datagrams.send(message.bytes, message.records, error),
            };
        });
        if let Session::Tcp(Connection { stream: None, .. }) = session {
            builder.restart();
        }
        exported
    }
}

impl Session {
    /// Whether messages can be sent; a connection is made again if it is time to.
    fn is_up(&mut self, now: Now, error: &mut Option<io::Error>) -> bool {
        match self {
            Self::Tcp(connection) => connection.is_up(now, error),
            Self::Udp(_) => true,
        }
    }

    /// Whether the message that begins should begin with templates.
    fn wants_templates(&mut self, now: Now) -> bool {
        match self {
            Self::Tcp(connection) => std::mem::take(&mut connection.is_new),
            Self::Udp(datagrams) => {
                let wanted = datagrams.templates.is_none_or(|(sent, messages)| {
                    messages >= TEMPLATE_MESSAGES
                        || now.instant.saturating_duration_since(sent) >= TEMPLATE_LIFE
                });
                if wanted {
                    datagrams.templates = Some((now.instant, 0));
                }
                wanted
            }
        }
    }
}

/// A session over UDP: it never ends, and what comes of a datagram is heard with the next one if at
/// all.
#[derive(Debug)]
struct Datagrams {
    socket: UdpSocket,
    /// When the templates were sent, and the messages since.
    templates: Option<(Instant, u32)>,
    /// Records in the last datagram.
    unsettled: u32,
}

impl Datagrams {
    fn new(addrs: &[SocketAddr]) -> io::Result<Self> {
        let mut result = Err(io::ErrorKind::NotFound.into());
        for addr in addrs {
            let local: SocketAddr = match addr {
                SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
                SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
            };
            result = UdpSocket::bind(local).and_then(|socket| {
                socket.connect(addr)?;
                socket.set_write_timeout(Some(PATIENCE))?;
                Ok(socket)
            });
            if result.is_ok() {
                break;
            }
        }
        Ok(Self {
            socket: result?,
            templates: None,
            unsettled: 0,
        })
    }

    fn send(&mut self, bytes: &[u8], records: u32, error: &mut Option<io::Error>) -> Exported {
        if let Some((_, messages)) = &mut self.templates {
            *messages += 1;
        }
        let mut exported = self.settle(error);
        match self.socket.send(bytes) {
            Ok(_) => self.unsettled = records,
            Err(failed) => {
                exported.lost += u64::from(records);
                *error = Some(failed);
            }
        }
        exported
    }

    /// What became of the last datagram: an error that waits is the answer to it.
    fn settle(&mut self, error: &mut Option<io::Error>) -> Exported {
        let records = u64::from(std::mem::take(&mut self.unsettled));
        match self.socket.take_error() {
            Ok(None) => Exported {
                sent: records,
                lost: 0,
            },
            Ok(Some(failed)) | Err(failed) => {
                *error = Some(failed);
                Exported {
                    sent: 0,
                    lost: records,
                }
            }
        }
    }
}

/// A session over TCP, or the time until the next.
#[derive(Debug)]
struct Connection {
    addrs: Vec<SocketAddr>,
    stream: Option<TcpStream>,
    /// No templates were sent over it yet.
    is_new: bool,
    retry_at: Option<Instant>,
    backoff: Duration,
}

impl Connection {
    fn new(addrs: Vec<SocketAddr>) -> io::Result<Self> {
        let stream = connect(&addrs, CONNECT)?;
        Ok(Self {
            addrs,
            stream: Some(stream),
            is_new: true,
            retry_at: None,
            backoff: FIRST_BACKOFF,
        })
    }

    fn is_up(&mut self, now: Now, error: &mut Option<io::Error>) -> bool {
        if self.stream.is_none() && self.retry_at.is_none_or(|at| now.instant >= at) {
            match connect(&self.addrs, RECONNECT) {
                Ok(stream) => {
                    self.stream = Some(stream);
                    self.is_new = true;
                }
                Err(failed) => {
                    *error = Some(failed);
                    self.wait(now);
                }
            }
        }
        self.stream.is_some()
    }

    fn send(
        &mut self,
        bytes: &[u8],
        records: u32,
        now: Now,
        error: &mut Option<io::Error>,
    ) -> Exported {
        let result = match &mut self.stream {
            Some(stream) => listen(stream).and_then(|()| stream.write_all(bytes)),
            None => Err(io::ErrorKind::NotConnected.into()),
        };
        let records = u64::from(records);
        match result {
            Ok(()) => {
                self.backoff = FIRST_BACKOFF;
                Exported {
                    sent: records,
                    lost: 0,
                }
            }
            Err(failed) => {
                *error = Some(failed);
                self.stream = None;
                self.wait(now);
                Exported {
                    sent: 0,
                    lost: records,
                }
            }
        }
    }

    fn wait(&mut self, now: Now) {
        self.retry_at = now.instant.checked_add(self.backoff);
        self.backoff = (self.backoff * 2).min(LAST_BACKOFF);
    }
}

fn connect(addrs: &[SocketAddr], patience: Duration) -> io::Result<TcpStream> {
    let mut result = Err(io::ErrorKind::NotFound.into());
    for addr in addrs {
        result = TcpStream::connect_timeout(addr, patience).and_then(|stream| {
            stream.set_write_timeout(Some(PATIENCE))?;
            Ok(stream)
        });
        if result.is_ok() {
            break;
        }
    }
    result
}

/// Whether the collector is still there: it says nothing, but it can hang up, and what is written
/// after that is lost without an error.
fn listen(stream: &mut TcpStream) -> io::Result<()> {
    stream.set_nonblocking(true)?;
    let heard = stream.read(&mut [0; 64]);
    stream.set_nonblocking(false)?;
    match heard {
        Ok(0) => Err(io::ErrorKind::ConnectionAborted.into()),
        Ok(_) => Ok(()),
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
            ) =>
        {
            Ok(())
        }
        Err(error) => Err(error),
    }
}
