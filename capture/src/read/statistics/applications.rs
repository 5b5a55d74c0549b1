//! Trees of DNS and HTTP messages (`dns,tree`, `http,tree`, `http_req,tree`, `http,stat`), as Wireshark's
//! `packet-dns.c`, `packet-http.c` and `tap-httpstat.c` count them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::counter_tree::{CounterTree, Place, Values};
use super::packets::{filter_behind, since_first};
use super::{Known, Statistic, StatisticError, passes};
use crate::filter::display::DisplayFilter;
use crate::read::Columns;
use crate::read::print::{Names, address};
use crate::read::tree::{Node, Tree, Value, Wanted};
use crate::read::walk::Frame;

/// DNS messages.
#[derive(Debug)]
pub(super) struct Dns {
    filter: Option<DisplayFilter>,
    tree: CounterTree,
    places: DnsPlaces,
    message: Known,
    fields: [Known; 13],
}

/// The fields of [`Dns`] by their places there.
#[derive(Clone, Copy)]
enum DnsField {
    Response,
    Opcode,
    Rcode,
    Type,
    Class,
    NameLen,
    Labels,
    Questions,
    Answers,
    Authorities,
    Additionals,
    Time,
    Retransmission,
}

const DNS_FIELDS: [(DnsField, &str); 13] = [
    (DnsField::Response, "dns.flags.response"),
    (DnsField::Opcode, "dns.flags.opcode"),
    (DnsField::Rcode, "dns.flags.rcode"),
    (DnsField::Type, "dns.qry.type"),
    (DnsField::Class, "dns.qry.class"),
    (DnsField::NameLen, "dns.qry.name.len"),
    (DnsField::Labels, "dns.count.labels"),
    (DnsField::Questions, "dns.count.queries"),
    (DnsField::Answers, "dns.count.answers"),
    (DnsField::Authorities, "dns.count.auth_rr"),
    (DnsField::Additionals, "dns.count.add_rr"),
    (DnsField::Time, "dns.time"),
    (DnsField::Retransmission, "dns.retransmission"),
];

#[derive(Debug)]
struct DnsPlaces {
    all: Place,
    kind: Place,
    query_type: Place,
    class: Place,
    rcode: Place,
    opcode: Place,
    payload: Place,
    name_len: Place,
    labels: [Place; 4],
    /// Of questions, answers, authorities and additionals.
    counts: [Place; 4],
    time: Place,
    retransmissions: Place,
}

/// A message as far as it was read.
#[derive(Default)]
struct Message<'t> {
    len: u32,
    found: [Option<&'t Node>; 13],
}

impl Message<'_> {
    fn number(&self, field: DnsField) -> Option<u64> {
        match self.found[field as usize]?.value {
            Value::Uint(number) => Some(number),
            Value::Bool(set) => Some(set.into()),
            _ => None,
        }
    }

    /// The name of a number, which is 0 where the message does not show it.
    fn name(&self, field: DnsField, known: &Known, unknown: &str) -> String {
        let number = self.number(field).unwrap_or(0);
        let names = known.0.first().and_then(|id| id.field().names);
        match names.and_then(|names| names(number)) {
            Some(name) => name.to_owned(),
            None => format!("{unknown} ({number})"),
        }
    }
}

impl Dns {
    pub(super) fn parse(rest: &str) -> Result<Box<dyn Statistic>, StatisticError> {
        let filter = filter_behind("dns,tree", rest)?;
        let mut tree = CounterTree::new("DNS");
        let all = tree.add("Total Packets", None, Values::None);
        let mut below = |name: &str| tree.add(name, Some(all), Values::None);
        let kind = below("Query/Response");
        let query_type = below("Query Type");
        let class = below("Class");
        let rcode = below("rcode");
        let opcode = below("opcodes");
        let payload = tree.add("Payload size", None, Values::WHOLE);
        let queries = tree.add("Query Stats", None, Values::None);
        let name_len = tree.add("Qname Len", Some(queries), Values::WHOLE);
        let label = tree.add("Label Stats", Some(queries), Values::None);
        let labels = ["1st Level", "2nd Level", "3rd Level", "4th Level or more"]
            .map(|name| tree.add(name, Some(label), Values::None));
        let responses = tree.add("Response Stats", None, Values::None);
        let counts = ["questions", "answers", "authorities", "additionals"]
            .map(|name| tree.add(&format!("no. of {name}"), Some(responses), Values::WHOLE));
        let service = tree.add("Service Stats", None, Values::None);
        let time = "request-response time (msec)";
        let time = tree.add(time, Some(service), Values::FRACTIONS);
        tree.add("no. of unsolicited responses", Some(service), Values::None);
        let retransmissions = tree.add("no. of retransmissions", Some(service), Values::None);
        Ok(Box::new(Self {
            filter,
            tree,
            places: DnsPlaces {
                all,
                kind,
                query_type,
                class,
                rcode,
                opcode,
                payload,
                name_len,
                labels,
                counts,
                time,
                retransmissions,
            },
            message: Known::named("dns"),
            fields: DNS_FIELDS.map(|(_, name)| Known::named(name)),
        }))
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "numbers of a DNS message are small, and times are shown with few digits"
    )]
    fn count(&mut self, message: &Message<'_>) {
        let Self {
            tree,
            places,
            fields,
            ..
        } = self;
        let number = |field| message.number(field).unwrap_or(0);
        tree.count(places.all);
        let is_response = number(DnsField::Response) != 0;
        let kind = if is_response { "Response" } else { "Query" };
        tree.count_both(places.kind, kind);
        let pivots = [
            (places.query_type, DnsField::Type, "Unknown packet type"),
            (places.class, DnsField::Class, "Unknown class"),
            (places.rcode, DnsField::Rcode, "Unknown rcode"),
            (places.opcode, DnsField::Opcode, "Unknown opcode"),
        ];
        for (place, field, unknown) in pivots {
            let known = &fields[field as usize];
            tree.count_both(place, &message.name(field, known, unknown));
        }
        tree.count_value(places.payload, message.len.into());
        if !is_response {
            tree.count_value(places.name_len, number(DnsField::NameLen) as f64);
            match number(DnsField::Labels) {
                0 => {}
                labels => tree.count(places.labels[(labels - 1).min(3) as usize]),
            }
            return;
        }
        let counts = [
            DnsField::Questions,
            DnsField::Answers,
            DnsField::Authorities,
            DnsField::Additionals,
        ];
        for (place, field) in places.counts.into_iter().zip(counts) {
            // Wireshark counts each response twice here.
            for _ in 0..2 {
                tree.count_value(place, number(field) as f64);
            }
        }
        if number(DnsField::Retransmission) != 0 {
            tree.count(places.retransmissions);
        } else if let Some(Value::Span(ns)) =
            message.found[DnsField::Time as usize].map(|node| node.value)
            && ns > 0
        {
            tree.count_value(places.time, ns as f64 / 1e6);
        }
    }
}

impl Statistic for Dns {
    fn want(&self, wanted: &mut Wanted) {
        for known in self.fields.iter().chain([&self.message]) {
            known.want(wanted);
        }
        if let Some(filter) = &self.filter {
            wanted.add_all(filter.wanted());
        }
    }

    fn frame(&mut self, frame: &Frame<'_>, tree: &Tree, _columns: &Columns) {
        if !passes(self.filter.as_ref(), tree, frame) {
            return;
        }
        let mut messages: Vec<Message<'_>> = Vec::new();
        for node in tree.nodes() {
            if self.message.is(node) {
                messages.push(Message {
                    len: node.place.len,
                    ..Message::default()
                });
                continue;
            }
            let Some(message) = messages.last_mut() else {
                continue;
            };
            let field = self.fields.iter().position(|known| known.is(node));
            if let Some(field) = field {
                // Of several questions, the first one.
                message.found[field].get_or_insert(node);
            }
        }
        for message in messages {
            self.tree.set_time(since_first(frame));
            self.count(&message);
        }
    }

    fn print(&mut self, out: &mut String) {
        self.tree.print(out);
    }
}

/// An HTTP message, as far as it matters here.
#[derive(Clone, Debug, Default)]
struct HttpMessage {
    method: Option<String>,
    code: Option<u64>,
    description: Option<String>,
    host: Option<String>,
    uri: Option<String>,
}

/// The fields that HTTP messages are read from.
#[derive(Debug)]
struct HttpFields {
    /// The protocol, in streams and in datagrams.
    messages: [Known; 2],
    method: Known,
    code: Known,
    /// What the code means, and what the server says that it means.
    descriptions: [Known; 2],
    host: Known,
    uri: Known,
}

impl HttpFields {
    fn new() -> Self {
        Self {
            messages: ["http", "ssdp"].map(Known::named),
            method: Known::named("http.request.method"),
            code: Known::named("http.response.code"),
            descriptions: [
                Known::named("http.response.code.desc"),
                Known::named("http.response.phrase"),
            ],
            host: Known::named("http.host"),
            uri: Known::named("http.request.uri"),
        }
    }

    fn want(&self, wanted: &mut Wanted) {
        let one = [&self.method, &self.code, &self.host, &self.uri];
        for known in one
            .into_iter()
            .chain(&self.messages)
            .chain(&self.descriptions)
        {
            known.want(wanted);
        }
    }

    fn of(&self, tree: &Tree) -> Vec<HttpMessage> {
        let mut messages: Vec<HttpMessage> = Vec::new();
        for node in tree.nodes() {
            if self.messages.iter().any(|message| message.is(node)) {
                messages.push(HttpMessage::default());
            }
            let Some(message) = messages.last_mut() else {
                continue;
            };
            match node.value {
                Value::Uint(code) if self.code.is(node) => message.code = Some(code),
                Value::Text(range) => {
                    let text = tree.text(range).to_owned();
                    if self.method.is(node) {
                        message.method = Some(text);
                    } else if self.host.is(node) {
                        message.host = Some(text);
                    } else if self.uri.is(node) {
                        message.uri = Some(text);
                    } else if self.descriptions[0].is(node)
                        || self.descriptions[1].is(node) && message.description.is_none()
                    {
                        message.description = Some(text);
                    }
                }
                _ => {}
            }
        }
        messages
    }
}

/// HTTP messages by method and code.
#[derive(Debug)]
pub(super) struct Http {
    filter: Option<DisplayFilter>,
    tree: CounterTree,
    fields: HttpFields,
    all: Place,
    requests: Place,
    responses: Place,
    /// What is no class, then the classes of codes.
    classes: [Place; 6],
}

impl Http {
    pub(super) fn parse(rest: &str) -> Result<Box<dyn Statistic>, StatisticError> {
        let filter = filter_behind("http,tree", rest)?;
        let mut tree = CounterTree::new("HTTP/Packet Counter");
        let all = tree.add("Total HTTP Packets", None, Values::None);
        let requests = tree.add("HTTP Request Packets", Some(all), Values::None);
        let responses = tree.add("HTTP Response Packets", Some(all), Values::None);
        let classes = [
            "???: broken",
            "1xx: Informational",
            "2xx: Success",
            "3xx: Redirection",
            "4xx: Client Error",
            "5xx: Server Error",
        ]
        .map(|name| tree.add(name, Some(responses), Values::None));
        tree.add("Other HTTP Packets", Some(all), Values::None);
        Ok(Box::new(Self {
            filter,
            tree,
            fields: HttpFields::new(),
            all,
            requests,
            responses,
            classes,
        }))
    }
}

impl Statistic for Http {
    fn want(&self, wanted: &mut Wanted) {
        self.fields.want(wanted);
        if let Some(filter) = &self.filter {
            wanted.add_all(filter.wanted());
        }
    }

    fn frame(&mut self, frame: &Frame<'_>, tree: &Tree, _columns: &Columns) {
        if !passes(self.filter.as_ref(), tree, frame) {
            return;
        }
        for message in self.fields.of(tree) {
            // What goes on with a message that began before is no message for Wireshark.
            if message.code.is_none() && message.method.is_none() {
                continue;
            }
            let counters = &mut self.tree;
            counters.set_time(since_first(frame));
            counters.count(self.all);
            match message {
                HttpMessage {
                    code: Some(code),
                    description,
                    ..
                } => {
                    counters.count(self.responses);
                    let class = match code {
                        100..600 => self.classes[(code / 100) as usize],
                        _ => self.classes[0],
                    };
                    counters.count(class);
                    let name = format!("{code} {}", description.unwrap_or_default());
                    counters.count_below(class, name.trim_end());
                }
                HttpMessage {
                    method: Some(method),
                    ..
                } => counters.count_both(self.requests, &method),
                _ => {}
            }
        }
    }

    fn print(&mut self, out: &mut String) {
        self.tree.print(out);
    }
}

/// HTTP requests by host and address.
#[derive(Debug)]
pub(super) struct Requests {
    filter: Option<DisplayFilter>,
    tree: CounterTree,
    fields: HttpFields,
    root: Place,
}

impl Requests {
    pub(super) fn parse(rest: &str) -> Result<Box<dyn Statistic>, StatisticError> {
        let filter = filter_behind("http_req,tree", rest)?;
        let mut tree = CounterTree::new("HTTP/Requests");
        let root = tree.add("HTTP Requests by HTTP Host", None, Values::None);
        Ok(Box::new(Self {
            filter,
            tree,
            fields: HttpFields::new(),
            root,
        }))
    }
}

impl Statistic for Requests {
    fn want(&self, wanted: &mut Wanted) {
        self.fields.want(wanted);
        if let Some(filter) = &self.filter {
            wanted.add_all(filter.wanted());
        }
    }

    fn frame(&mut self, frame: &Frame<'_>, tree: &Tree, _columns: &Columns) {
        if !passes(self.filter.as_ref(), tree, frame) {
            return;
        }
        for message in self.fields.of(tree) {
            self.tree.set_time(since_first(frame));
            if message.method.is_none() {
                continue;
            }
            self.tree.count(self.root);
            let Some(host) = message.host else { continue };
            let host = self.tree.count_below(self.root, &host);
            if let (Some(host), Some(uri)) = (host, message.uri) {
                self.tree.count_below(host, &uri);
            }
        }
    }

    fn print(&mut self, out: &mut String) {
        self.tree.print(out);
    }
}

/// HTTP requests and responses by server.
#[derive(Debug)]
pub(super) struct Load {
    filter: Option<DisplayFilter>,
    tree: CounterTree,
    fields: HttpFields,
    requests: Place,
    by_address: Place,
    by_host: Place,
    responses: Place,
}

impl Load {
    pub(super) fn parse(rest: &str) -> Result<Box<dyn Statistic>, StatisticError> {
        let filter = filter_behind("http_srv,tree", rest)?;
        let mut tree = CounterTree::new("HTTP/Load Distribution");
        let requests = tree.add("HTTP Requests by Server", None, Values::None);
        let below = Some(requests);
        let by_address = tree.add("HTTP Requests by Server Address", below, Values::None);
        let by_host = tree.add("HTTP Requests by HTTP Host", below, Values::None);
        let responses = tree.add("HTTP Responses by Server Address", None, Values::None);
        Ok(Box::new(Self {
            filter,
            tree,
            fields: HttpFields::new(),
            requests,
            by_address,
            by_host,
            responses,
        }))
    }

    fn request(&mut self, server: &str, host: Option<&str>) {
        let counters = &mut self.tree;
        for place in [self.requests, self.by_address, self.by_host] {
            counters.count(place);
        }
        let server_place = counters.count_below(self.by_address, server);
        let Some(host) = host else { return };
        if let Some(place) = counters.count_below(self.by_host, host) {
            counters.count_below(place, server);
        }
        if let Some(place) = server_place {
            counters.count_below(place, host);
        }
    }

    fn response(&mut self, server: &str, code: u64) {
        let counters = &mut self.tree;
        counters.count(self.responses);
        if let Some(place) = counters.count_below(self.responses, server) {
            // As Wireshark has it, to go on is no success.
            let is_success = matches!(code, 101..400);
            counters.count_below(place, if is_success { "OK" } else { "KO" });
        }
    }
}

impl Statistic for Load {
    fn want(&self, wanted: &mut Wanted) {
        self.fields.want(wanted);
        if let Some(filter) = &self.filter {
            wanted.add_all(filter.wanted());
        }
    }

    fn frame(&mut self, frame: &Frame<'_>, tree: &Tree, columns: &Columns) {
        if !passes(self.filter.as_ref(), tree, frame) {
            return;
        }
        for message in self.fields.of(tree) {
            self.tree.set_time(since_first(frame));
            let mut server = String::new();
            if message.method.is_some() {
                address(&mut server, columns.destination, Names::Numbers);
                self.request(&server, message.host.as_deref());
            } else if let Some(code) = message.code.filter(|code| *code != 0) {
                address(&mut server, columns.source, Names::Numbers);
                self.response(&server, code);
            }
        }
    }

    fn print(&mut self, out: &mut String) {
        self.tree.print(out);
    }
}

/// HTTP messages by code and by method, in two lists.
#[derive(Debug)]
pub(super) struct HttpLists {
    filter: Option<DisplayFilter>,
    fields: HttpFields,
    codes: BTreeMap<u64, (String, u64)>,
    methods: Vec<(String, u64)>,
}

/// Methods that are told apart; those that there are can be counted on the fingers.
const MOST_METHODS: usize = 1024;

impl HttpLists {
    pub(super) fn parse(rest: &str) -> Result<Box<dyn Statistic>, StatisticError> {
        Ok(Box::new(Self {
            filter: filter_behind("http,stat", rest)?,
            fields: HttpFields::new(),
            codes: BTreeMap::new(),
            methods: Vec::new(),
        }))
    }
}

impl Statistic for HttpLists {
    fn want(&self, wanted: &mut Wanted) {
        self.fields.want(wanted);
        if let Some(filter) = &self.filter {
            wanted.add_all(filter.wanted());
        }
    }

    fn frame(&mut self, frame: &Frame<'_>, tree: &Tree, _columns: &Columns) {
        if !passes(self.filter.as_ref(), tree, frame) {
            return;
        }
        for message in self.fields.of(tree) {
            if let Some(code) = message.code {
                let new = || (message.description.unwrap_or_default(), 0);
                self.codes.entry(code).or_insert_with(new).1 += 1;
            } else if let Some(method) = message.method {
                let count = self.methods.len();
                let known = self.methods.iter_mut().find(|(known, _)| *known == method);
                match known {
                    Some((_, count)) => *count += 1,
                    None if count < MOST_METHODS => self.methods.push((method, 1)),
                    None => {}
                }
            }
        }
    }

    fn print(&mut self, out: &mut String) {
        const RULE: &str = "===================================================================\n";
        // Writing to a string does not fail, in all of these.
        let _infallible = write!(out, "\n{RULE}HTTP Statistics");
        if let Some(filter) = &self.filter {
            let _infallible = write!(out, " with filter {}", filter.text());
        }
        out.push_str("\n* HTTP Response Status Codes                Packets\n");
        for (code, (description, count)) in &self.codes {
            let _infallible = writeln!(out, "  {code:3} {description:<35} {count:9}");
        }
        out.push_str("* HTTP Request Methods                      Packets\n");
        self.methods.sort();
        for (method, count) in &self.methods {
            let _infallible = writeln!(out, "  {method:<39} {count:9} ");
        }
        out.push_str(RULE);
    }
}
