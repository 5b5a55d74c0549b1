//! VNC (RFC 6143): the handshake step by step, then messages by their first byte.

use super::{name, names};
use crate::read::proto::tcp::applications::{Application, Outcome, Payload};
use crate::read::proto::text::Escaped;
use crate::read::region::{Region, Stop};
use crate::read::walk::Walk;

/// VNC in a TCP stream.
pub(crate) static APPLICATION: Application = Application {
    ports: &[5500, 5501, 5900, 5901],
    recognizes: Some(recognizes),
    dissect,
};

/// Bytes of a version message (RFC 6143 section 7.1.1).
const VERSION_LEN: usize = 12;

/// How far the handshake is; in the order of their numbers in what is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    ServerVersion,
    ClientVersion,
    Security,
    SecurityTypes,
    TightTunneling,
    TightAuthentication,
    TightAuthenticationType,
    TightUnknown,
    Challenge,
    Response,
    AppleChallenge,
    AppleResponse,
    Result,
    EncryptServer,
    EncryptClient,
    EncryptTypes,
    EncryptType,
    EncryptAck,
    ClientInit,
    ServerInit,
    TightInteraction,
    Normal,
}

const STEPS: [Step; 22] = [
    Step::ServerVersion,
    Step::ClientVersion,
    Step::Security,
    Step::SecurityTypes,
    Step::TightTunneling,
    Step::TightAuthentication,
    Step::TightAuthenticationType,
    Step::TightUnknown,
    Step::Challenge,
    Step::Response,
    Step::AppleChallenge,
    Step::AppleResponse,
    Step::Result,
    Step::EncryptServer,
    Step::EncryptClient,
    Step::EncryptTypes,
    Step::EncryptType,
    Step::EncryptAck,
    Step::ClientInit,
    Step::ServerInit,
    Step::TightInteraction,
    Step::Normal,
];

/// What is remembered of a stream: packed into the state that a stream has room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Session {
    step: Step,
    /// The client's version, `3008` for 3.8.
    version: u16,
    server_port: u16,
    is_tight: bool,
}

impl Session {
    fn unpack(state: u64) -> Self {
        Self {
            step: STEPS[(state & 0xff) as usize % STEPS.len()],
            version: (state >> 16) as u16,
            server_port: (state >> 32) as u16,
            is_tight: state & 0x100 != 0,
        }
    }

    fn pack(self) -> u64 {
        let step = STEPS.iter().position(|step| *step == self.step);
        step.unwrap_or(0) as u64
            | u64::from(self.is_tight) << 8
            | u64::from(self.version) << 16
            | u64::from(self.server_port) << 32
    }
}

fn is_version(region: &Region<'_>) -> bool {
    let bytes = region.captured();
    bytes.len() == VERSION_LEN
        && bytes
            .first_chunk()
            .is_some_and(|front: &[u8; 4]| front.eq_ignore_ascii_case(b"RFB "))
        && bytes[7] == b'.'
        && matches!(bytes[11], b'\n' | 0)
}

fn recognizes(region: &Region<'_>, _: &Payload) -> bool {
    is_version(region)
}

/// `003.008` as 3008.
fn version(bytes: &[u8]) -> u16 {
    let digits = bytes.iter().filter(|byte| byte.is_ascii_digit());
    digits.fold(0, |number: u16, digit| {
        number
            .wrapping_mul(10)
            .wrapping_add(u16::from(digit - b'0'))
    })
}

fn dissect(
    walk: &mut Walk<'_, '_>,
    region: Region<'_>,
    payload: &Payload,
) -> Result<Outcome, Stop> {
    let on_port = |port: u16| APPLICATION.ports.contains(&port);
    let is_known = walk.memory.tcp.is_of(payload, &APPLICATION);
    if !is_known && !on_port(payload.source_port) && !on_port(payload.destination_port) {
        walk.memory.tcp.belongs_anew_to(payload, &APPLICATION);
    }
    name(walk, names::vnc::THIS, &region);
    let mut session = Session::unpack(*walk.memory.tcp.state(payload));
    if session.step == Step::Normal {
        if on_port(payload.destination_port) || session.server_port == payload.destination_port {
            from_client(walk, &region)?;
        } else {
            from_server(walk, &region)?;
        }
        return Ok(Outcome::Done);
    }
    let outcome = startup(walk, &region, payload, &mut session);
    *walk.memory.tcp.state(payload) = session.pack();
    outcome?;
    Ok(Outcome::Done)
}

/// A step of the handshake, and the one that follows.
fn startup(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    payload: &Payload,
    session: &mut Session,
) -> Result<(), Stop> {
    let columns = &mut *walk.columns;
    session.step = match session.step {
        Step::ServerVersion | Step::ClientVersion if !is_version(region) => return Ok(()),
        Step::ServerVersion => {
            let text = Escaped(region.slice(4, 7)?);
            columns.set_info(format_args!("Server protocol version: {text}"));
            session.server_port = payload.source_port;
            Step::ClientVersion
        }
        Step::ClientVersion => {
            let text = region.slice(4, 7)?;
            columns.set_info(format_args!("Client protocol version: {}", Escaped(text)));
            session.version = version(text);
            Step::Security
        }
        Step::Security => {
            columns.set_info(format_args!("Security types supported"));
            if session.version >= 3007 {
                region.u8(0)?;
                Step::SecurityTypes
            } else {
                match region.u32(0)? as u8 {
                    0 => Step::SecurityTypes,
                    1 => Step::ClientInit,
                    2 => Step::Challenge,
                    30 => Step::AppleChallenge,
                    _ => Step::Security,
                }
            }
        }
        Step::SecurityTypes => {
            let kind = region.u8(0)?;
            let name = security_name(kind);
            columns.set_info(format_args!(
                "Security type {name} ({kind}) selected by client"
            ));
            session.is_tight |= kind == 16;
            match kind {
                1 if session.version >= 3008 => Step::Result,
                1 => Step::ClientInit,
                2 => Step::Challenge,
                16 => Step::TightTunneling,
                19 => Step::EncryptServer,
                30 => Step::AppleChallenge,
                _ => Step::SecurityTypes,
            }
        }
        step => later(walk, region, *session, step)?,
    };
    Ok(())
}

/// What follows the choice of a security type.
fn later(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    session: Session,
    step: Step,
) -> Result<Step, Stop> {
    let columns = &mut *walk.columns;
    let (text, next) = match step {
        Step::TightTunneling => (
            "TightVNC tunneling capabilities supported",
            if region.u32(0)? == 0 {
                Step::TightAuthentication
            } else {
                step
            },
        ),
        Step::TightAuthentication => (
            "TightVNC authentication capabilities supported",
            if region.u32(0)? == 0 {
                Step::ClientInit
            } else {
                Step::TightAuthenticationType
            },
        ),
        Step::TightAuthenticationType => (
            "TightVNC authentication type selected by client",
            match region.u32(0)? {
                1 => Step::ClientInit,
                2 => Step::Challenge,
                _ => Step::TightUnknown,
            },
        ),
        Step::TightUnknown => ("Unknown packet (TightVNC)", Step::Challenge),
        Step::Challenge => ("Authentication challenge from server", Step::Response),
        Step::Response => ("Authentication response from client", Step::Result),
        Step::AppleChallenge => ("ARD authentication challenge", Step::AppleResponse),
        Step::AppleResponse => ("ARD authentication response", Step::Result),
        Step::Result => (
            "Authentication result",
            if region.u32(0)? == 0 {
                Step::ClientInit
            } else {
                step
            },
        ),
        Step::EncryptServer | Step::EncryptClient => {
            let (major, minor) = (region.u8(0)?, region.u8(1)?);
            let (who, next) = if step == Step::EncryptServer {
                ("server", Step::EncryptClient)
            } else {
                ("client", Step::EncryptTypes)
            };
            columns.set_info(format_args!("VeNCrypt {who} version {major}.{minor}"));
            return Ok(next);
        }
        Step::EncryptTypes => ("VeNCrypt authentication types supported", Step::EncryptType),
        Step::EncryptType => {
            let kind = region.u32(0)?;
            let name = encryption_name(kind);
            columns.set_info(format_args!(
                "VeNCrypt authentication type {name} ({kind}) selected by client"
            ));
            return Ok(match kind {
                1 => Step::ClientInit,
                2 => Step::Challenge,
                _ => Step::EncryptAck,
            });
        }
        Step::EncryptAck => ("VeNCrypt server ack", Step::Normal),
        Step::ClientInit => ("Share desktop flag", Step::ServerInit),
        Step::ServerInit => (
            "Server framebuffer parameters",
            if session.is_tight {
                Step::TightInteraction
            } else {
                Step::Normal
            },
        ),
        Step::TightInteraction => ("TightVNC Interaction Capabilities", Step::Normal),
        _ => return Ok(step),
    };
    columns.set_info(format_args!("{text}"));
    Ok(next)
}

const fn security_name(kind: u8) -> &'static str {
    match kind {
        0 => "Invalid",
        1 => "None",
        2 => "VNC",
        5 => "RA2",
        6 => "RA2ne",
        16 => "Tight",
        17 => "Ultra",
        18 => "TLS",
        19 => "VeNCrypt",
        20 => "GTK-VNC SASL",
        30 => "Apple Remote Desktop",
        _ => "Unknown",
    }
}

const fn encryption_name(kind: u32) -> &'static str {
    match kind {
        1 => "None",
        2 => "VNC",
        256 => "Plain",
        257 => "TLS None",
        258 => "TLS VNC",
        259 => "TLS Plain",
        260 => "X.509 None",
        261 => "X.509 VNC",
        262 => "X.509 Plain",
        263 => "TLS SASL",
        264 => "X.509 SASL",
        _ => "Unknown",
    }
}

/// What a client says (RFC 6143 section 7.5).
fn from_client(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    let kind = region.u8(0)?;
    let text = match kind {
        0 => "Client set pixel format",
        2 => "Client set encodings",
        3 => "Client framebuffer update request",
        4 => "Client key event",
        5 => "Client pointer event",
        6 => "Client cut text",
        128 => "MirrorLink",
        150 => "Client Enable Continuous Updates",
        248 => "Fence",
        _ => {
            walk.columns
                .set_info(format_args!("Unknown client message type ({kind})"));
            return Ok(());
        }
    };
    walk.columns.set_info(format_args!("{text}"));
    Ok(())
}

/// What a server says (RFC 6143 section 7.6).
fn from_server(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    let kind = region.u8(0)?;
    let text = match kind {
        0 => "Server framebuffer update",
        1 => "Server set colormap entries",
        2 => "Server ring bell on client",
        3 => "Server cut text",
        128 => "MirrorLink",
        150 => "Server End Continuous Updates",
        248 => "Fence",
        _ => "Unknown server message type",
    };
    walk.columns.set_info(format_args!("{text}"));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 6143 section 7.1.1.
    #[test]
    fn versions_are_numbers() {
        assert_eq!(version(b"003.008"), 3008);
        let region = Region::new(0, b"RFB 003.008\n", 12);
        assert!(is_version(&region));
        let region = Region::new(0, b"RFB 003,008\n", 12);
        assert!(!is_version(&region));
    }

    #[test]
    fn a_session_survives_packing() {
        for step in STEPS {
            let session = Session {
                step,
                version: 3008,
                server_port: 5900,
                is_tight: true,
            };
            assert_eq!(Session::unpack(session.pack()), session);
        }
    }
}
