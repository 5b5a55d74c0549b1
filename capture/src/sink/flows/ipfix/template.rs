//! Templates (RFC 7011 section 3.4.1): which elements a record has, in which order.

use super::element::{
    CIRCUMSTANCES, Field, ICMP, ICMPV6, IDENTITY, IPV4, IPV6, PORTS, Source, TCP, VARIABLE, VOLUME,
    Way,
};
use crate::flow::FlowRecord;

/// A template: its number, and its elements in groups.
#[derive(Clone, Copy, Debug)]
pub(super) struct Template {
    pub(super) id: u16,
    groups: &'static [&'static [Field]],
}

const TCP_V4: Template = Template {
    id: 256,
    groups: &[IDENTITY, IPV4, PORTS, VOLUME, TCP, CIRCUMSTANCES],
};
const TCP_V6: Template = Template {
    id: 257,
    groups: &[IDENTITY, IPV6, PORTS, VOLUME, TCP, CIRCUMSTANCES],
};
const ICMP_V4: Template = Template {
    id: 258,
    groups: &[IDENTITY, IPV4, ICMP, VOLUME, CIRCUMSTANCES],
};
const ICMP_V6: Template = Template {
    id: 259,
    groups: &[IDENTITY, IPV6, ICMPV6, VOLUME, CIRCUMSTANCES],
};
const OTHER_V4: Template = Template {
    id: 260,
    groups: &[IDENTITY, IPV4, PORTS, VOLUME, CIRCUMSTANCES],
};
const OTHER_V6: Template = Template {
    id: 261,
    groups: &[IDENTITY, IPV6, PORTS, VOLUME, CIRCUMSTANCES],
};

impl Template {
    /// All that are in use.
    pub(super) const ALL: [Self; 6] = [TCP_V4, TCP_V6, ICMP_V4, ICMP_V6, OTHER_V4, OTHER_V6];

    /// The template of a record.
    pub(super) const fn of(record: &FlowRecord) -> Self {
        let is_v4 = record.initiator.endpoint.addr.is_ipv4();
        match (record.protocol, is_v4) {
            (6, true) => TCP_V4,
            (6, false) => TCP_V6,
            (1, true) => ICMP_V4,
            (58, false) => ICMP_V6,
            (_, true) => OTHER_V4,
            (_, false) => OTHER_V6,
        }
    }

    pub(super) fn fields(&self) -> impl Iterator<Item = &'static Field> {
        self.groups.iter().copied().flatten()
    }

    /// Appends the template record.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.id.to_be_bytes());
        let count = self.fields().count() as u16;
        out.extend_from_slice(&count.to_be_bytes());
        for field in self.fields() {
            let enterprise = match field.way {
                Way::Forward => None,
                Way::Reverse => Some(Way::REVERSE_PEN),
            };
            // The highest bit says that an enterprise number follows (section 3.2).
            let id = field.id | u16::from(enterprise.is_some()) << 15;
            out.extend_from_slice(&id.to_be_bytes());
            out.extend_from_slice(&field.len.to_be_bytes());
            if let Some(number) = enterprise {
                out.extend_from_slice(&number.to_be_bytes());
            }
        }
    }

    /// Appends a data record.
    pub(super) fn write_record(&self, source: &Source<'_>, out: &mut Vec<u8>) {
        for field in self.fields() {
            let start = out.len();
            (field.put)(source, out);
            debug_assert!(field.len == VARIABLE || out.len() - start == usize::from(field.len));
        }
    }
}
