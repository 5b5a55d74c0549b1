//! Who logged in where everybody could read it (`tshark -z credentials`): users of FTP, HTTP, IMAP, POP and
//! SMTP, without their passwords.

use std::collections::HashMap;
use std::fmt::Write as _;

use super::{Known, Statistic, StatisticError};
use crate::read::Columns;
use crate::read::pipeline::{Passes, ReadPlan};
use crate::read::proto::text::{Escaped, base64_digit, shown};
use crate::read::tree::{Node, Tree, Value, Wanted};
use crate::read::walk::Frame;

/// Logins that are kept, and streams whose user is remembered.
const MOST: usize = 1 << 16;
/// Bytes of all names that are kept.
const MOST_BYTES: usize = 16 << 20;
/// The longest name.
const LONGEST: usize = 1 << 12;

/// A protocol with users.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Service {
    Ftp,
    HttpBasic,
    HttpOther,
    Imap,
    Pop,
    Smtp,
}

impl Service {
    const fn name(self) -> &'static str {
        match self {
            Self::Ftp => "FTP",
            Self::HttpBasic => "HTTP basic auth",
            Self::HttpOther => "HTTP header auth",
            Self::Imap => "IMAP",
            Self::Pop => "POP3",
            Self::Smtp => "SMTP",
        }
    }
}

/// The user of a stream, and the frame that named it.
#[derive(Clone, Debug)]
struct User {
    name: String,
    frame: u64,
}

/// A login.
#[derive(Debug)]
struct Login {
    frame: u64,
    service: Service,
    who: Who,
}

/// Whose.
#[derive(Debug)]
enum Who {
    /// The user that stands there.
    Said(String),
    /// The user that another frame of the stream named.
    Named { stream: u64, user: Option<User> },
}

/// Logins of all streams.
#[derive(Debug)]
pub(super) struct Credentials {
    passes: Passes,
    known: Fields,
    users: HashMap<(Service, u64), User>,
    logins: Vec<Login>,
    name_bytes: usize,
    left_out: u64,
}

macro_rules! fields {
    ($($field:ident: $name:literal,)*) => {
        /// The fields that tell of logins.
        #[derive(Debug)]
        struct Fields {
            $($field: Known,)*
        }

        impl Fields {
            fn new() -> Self {
                Self {
                    $($field: Known::named($name),)*
                }
            }

            fn want(&self, wanted: &mut Wanted) {
                $(self.$field.want(wanted);)*
            }
        }
    };
}

fields! {
    stream: "tcp.stream",
    ftp_command: "ftp.request.command",
    ftp_arg: "ftp.request.arg",
    http: "http.authorization",
    http_proxy: "http.proxy_authorization",
    imap: "imap.request",
    imap_tag: "imap.request_tag",
    pop_command: "pop.request.command",
    pop_parameter: "pop.request.parameter",
    smtp: "smtp",
    smtp_user: "smtp.auth.username",
    smtp_password: "smtp.auth.password",
}

impl Credentials {
    pub(super) fn parse(rest: &str) -> Result<Box<dyn Statistic>, StatisticError> {
        if !rest.is_empty() {
            // tshark takes a filter here, and does not filter.
            return Err(StatisticError::Argument {
                name: "credentials",
                reason: format!("nothing can follow, not {rest:?}"),
            });
        }
        Ok(Box::new(Self {
            passes: Passes::One,
            known: Fields::new(),
            users: HashMap::new(),
            logins: Vec::new(),
            name_bytes: 0,
            left_out: 0,
        }))
    }

    /// Whether so many bytes of a name can be kept.
    fn has_room(&mut self, entries: usize, name: &str) -> bool {
        let fits = entries < MOST && self.name_bytes + name.len() <= MOST_BYTES;
        if fits {
            self.name_bytes += name.len();
        } else {
            self.left_out += 1;
        }
        fits
    }

    fn login(&mut self, frame: u64, service: Service, name: &str) {
        let name = cut(name);
        if self.has_room(self.logins.len(), name) {
            let who = Who::Said(name.to_owned());
            self.logins.push(Login {
                frame,
                service,
                who,
            });
        }
    }

    /// A stream's user says the password.
    fn password(&mut self, frame: u64, service: Service, stream: u64) {
        let user = self.users.get(&(service, stream)).cloned();
        // FTP counts on a user; with two passes, it may be named later.
        if user.is_none() && service == Service::Ftp && self.passes == Passes::One {
            return;
        }
        let name = user.as_ref().map_or("", |user| &user.name).to_owned();
        if self.has_room(self.logins.len(), &name) {
            self.logins.push(Login {
                frame,
                service,
                who: Who::Named { stream, user },
            });
        }
    }

    /// A stream's user says the name; the first one is believed.
    fn user(&mut self, frame: u64, service: Service, stream: u64, name: &str) {
        if let Some(user) = self.users.get_mut(&(service, stream)) {
            if service == Service::Smtp {
                user.frame = frame;
            }
            return;
        }
        let name = cut(name);
        if self.has_room(self.users.len(), name) {
            let user = User {
                name: name.to_owned(),
                frame,
            };
            self.users.insert((service, stream), user);
        }
    }

    /// A header that says who asks.
    fn header(&mut self, frame: u64, value: &str) {
        if let Some(text) = value.strip_prefix("Basic ") {
            let decoded = if text.len() > 1 {
                base64(text.as_bytes())
            } else {
                text.as_bytes().to_vec()
            };
            let end = decoded.iter().position(|byte| *byte == 0);
            let decoded = &decoded[..end.unwrap_or(decoded.len())];
            if let Some(colon) = decoded.iter().position(|byte| *byte == b':') {
                let name = Escaped(&decoded[..colon]).to_string();
                self.login(frame, Service::HttpBasic, &name);
            }
            return;
        }
        // tshark shows these by themselves.
        const OTHERS: [&str; 5] = [
            "NTLM ",
            "Negotiate ",
            "CitrixAGBasic ",
            "Kerberos ",
            "Digest",
        ];
        if !OTHERS.iter().any(|other| value.starts_with(other)) {
            self.login(frame, Service::HttpOther, "n.a.");
        }
    }
}

/// As much of a name as is kept.
fn cut(name: &str) -> &str {
    &name[..name.floor_char_boundary(LONGEST)]
}

/// The words of an IMAP command without its tag: whether a user logs in (RFC 9051 section 6.2.3).
enum Imap<'a> {
    Login(&'a str),
    /// tshark gives up on the segment.
    Broken,
    Other,
}

fn imap(request: &str) -> Imap<'_> {
    let word = |text: &'_ str| -> (usize, usize) {
        let end = text.find(' ').unwrap_or(text.len());
        (end, (end + 1).min(text.len()))
    };
    let starts = |name: &str, word: &str| {
        !word.is_empty()
            && name
                .get(..word.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(word))
    };
    let (end, next) = word(request);
    let (first, rest) = (&request[..end], &request[next..]);
    let command = if starts("uid", first) {
        &rest[..word(rest).0]
    } else {
        first
    };
    if !starts("login", command) {
        return Imap::Other;
    }
    let (end, next) = word(rest);
    let (name, rest) = (&rest[..end], &rest[next..]);
    // The password is taken out of quotation marks, be there any or not.
    if word(rest).0 < 2 {
        return Imap::Broken;
    }
    Imap::Login(name)
}

/// Base64 (RFC 4648), with whatever is none of it left out, as `GLib` reads it.
fn base64(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut value, mut count) = (0_u32, 0);
    let mut last = [0_u8; 2];
    for letter in text {
        let rank = match letter {
            b'=' => 0,
            _ => match base64_digit(*letter) {
                Some(digit) => digit,
                None => continue,
            },
        };
        last = [*letter, last[0]];
        value = value << 6 | u32::from(rank);
        count += 1;
        if count == 4 {
            count = 0;
            let [_, first, second, third] = value.to_be_bytes();
            bytes.push(first);
            if last[1] != b'=' {
                bytes.push(second);
            }
            if last[0] != b'=' {
                bytes.push(third);
            }
        }
    }
    bytes
}

impl Statistic for Credentials {
    fn begin(&mut self, plan: &ReadPlan) {
        self.passes = plan.passes;
    }

    fn want(&self, wanted: &mut Wanted) {
        self.known.want(wanted);
    }

    fn frame(&mut self, frame: &Frame<'_>, tree: &Tree, _columns: &Columns) {
        let number = frame.number;
        let mut stream = 0;
        let mut smtp_depth = 0;
        let mut imap_is_broken = false;
        let mut tag_is_empty = false;
        // The command that the next argument belongs to.
        let mut command = "";
        for node in tree.nodes() {
            let known = &self.known;
            let text = match node.value {
                Value::Text(range) => tree.text(range),
                Value::Uint(value) if known.stream.is(node) => {
                    stream = value;
                    imap_is_broken = false;
                    continue;
                }
                _ if known.smtp.is(node) => {
                    smtp_depth = node.depth;
                    continue;
                }
                _ => continue,
            };
            if known.ftp_command.is(node) {
                command = ftp_command(text);
                if command == "PASS" {
                    self.password(number, Service::Ftp, stream);
                }
            } else if known.ftp_arg.is(node) && command == "USER" {
                self.user(number, Service::Ftp, stream, text);
            } else if known.pop_command.is(node) {
                command = pop_command(text);
            } else if known.pop_parameter.is(node) {
                let parameter = text.trim_start_matches(' ');
                match command {
                    _ if parameter.is_empty() => {}
                    "USER" => self.user(number, Service::Pop, stream, parameter),
                    "PASS" => self.password(number, Service::Pop, stream),
                    _ => {}
                }
            } else if known.imap_tag.is(node) {
                tag_is_empty = text.is_empty();
            } else if known.imap.is(node) && !imap_is_broken && !tag_is_empty {
                match imap(text) {
                    Imap::Login(name) => self.login(number, Service::Imap, name),
                    Imap::Broken => imap_is_broken = true,
                    Imap::Other => {}
                }
            } else if known.smtp_user.is(node) {
                // A name in the command that asks for it is not remembered.
                if node.depth == smtp_depth + 1 {
                    self.user(number, Service::Smtp, stream, text);
                }
            } else if known.smtp_password.is(node) {
                self.password(number, Service::Smtp, stream);
            } else if is_header(known, node) {
                self.header(number, text);
            }
        }
    }

    fn print(&mut self, out: &mut String) {
        const RULE: &str = "===================================================================\n";
        let row = |out: &mut String, cells: [&str; 4]| {
            for (place, (cell, width)) in cells.into_iter().zip([10, 16, 16, 16]).enumerate() {
                let between = if place > 0 { " " } else { "" };
                let fill = usize::saturating_sub(width, cell.len());
                // Writing to a string does not fail.
                let _infallible = write!(out, "{between}{cell}{:fill$}", "");
            }
            out.push('\n');
        };
        out.push_str(RULE);
        row(out, ["Packet", "Protocol", "Username", "Info"]);
        out.push_str("------     --------         --------         --------\n");
        for login in &self.logins {
            let (name, info) = match &login.who {
                Who::Said(name) => (name.as_str(), String::new()),
                Who::Named { stream, user } => {
                    let user = match self.passes {
                        Passes::One => user.as_ref(),
                        Passes::Two => self.users.get(&(login.service, *stream)),
                    };
                    if user.is_none() && login.service == Service::Ftp {
                        continue;
                    }
                    let colon = if login.service == Service::Ftp {
                        ":"
                    } else {
                        ""
                    };
                    let frame = user.map_or(0, |user| user.frame);
                    (
                        user.map_or("(null)", |user| user.name.as_str()),
                        format!("Username in packet{colon} {frame}"),
                    )
                }
            };
            let frame = login.frame.to_string();
            row(
                out,
                [&frame, login.service.name(), &shown(name), info.as_str()],
            );
        }
        out.push_str(RULE);
        if self.left_out > 0 {
            // Writing to a string does not fail.
            let _infallible = writeln!(out, "{} further names and logins", self.left_out);
        }
    }
}

fn is_header(known: &Fields, node: &Node) -> bool {
    known.http.is(node) || known.http_proxy.is(node)
}

/// Which command FTP's dissector takes a word for: the first that begins with it.
fn ftp_command(word: &str) -> &'static str {
    const KNOWN: [&str; 4] = ["PORT", "EPRT", "USER", "PASS"];
    let mut known = KNOWN.into_iter();
    let found = known.find(|known| !word.is_empty() && known.starts_with(word));
    found.unwrap_or("")
}

/// The same of POP: the one that the line begins with.
fn pop_command(word: &str) -> &'static str {
    let begins = |known: &&str| {
        word.get(..known.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(known))
    };
    ["USER", "PASS"].into_iter().find(begins).unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 4648 section 10, and what is none.
    #[test]
    fn base64_is_read_with_gaps() {
        for (text, bytes) in [
            ("", ""),
            ("Zg==", "f"),
            ("Zm8=", "fo"),
            ("Zm9v", "foo"),
            ("Zm9vYmFy", "foobar"),
            ("Zm 9v!Ym", "foo"),
        ] {
            assert_eq!(base64(text.as_bytes()), bytes.as_bytes(), "{text}");
        }
    }
}
