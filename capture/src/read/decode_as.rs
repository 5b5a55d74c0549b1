//! Which ports carry what, whatever they usually do: tshark's `-d`.

use std::ops::RangeInclusive;

use super::proto;

/// Ports with the protocols that they are to be dissected as.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DecodeAs {
    tcp: Vec<Rule>,
    udp: Vec<Rule>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    ports: RangeInclusive<u16>,
    protocol: &'static str,
}

impl DecodeAs {
    /// Adds what `tcp.port==8888,http` says. Ports are one, `FIRST-LAST` or `FIRST:COUNT`.
    ///
    /// # Errors
    ///
    /// What is wrong with it, with what there is.
    pub fn add(&mut self, text: &str) -> Result<(), String> {
        const FORM: &str = "it is TYPE==PORTS,PROTOCOL, such as tcp.port==8888,http";
        let (layer, rest) = text
            .split_once("==")
            .ok_or_else(|| format!("{text:?}: {FORM}"))?;
        let (ports, name) = rest
            .split_once(',')
            .ok_or_else(|| format!("{text:?}: {FORM}"))?;
        let (rules, known) = match layer.trim() {
            "tcp.port" => (&mut self.tcp, proto::tcp::DECODABLE),
            "udp.port" => (&mut self.udp, proto::udp::DECODABLE),
            other => {
                return Err(format!("{other:?} is none of tcp.port, udp.port"));
            }
        };
        let name = name.trim();
        let protocol = known.iter().find(|known| **known == name);
        let protocol = protocol.ok_or_else(|| {
            let known = known.join(", ");
            format!("{name:?} is no protocol for {layer}; there are {known}")
        })?;
        let ports = range(ports.trim())
            .ok_or_else(|| format!("{ports:?} is no port, FIRST-LAST or FIRST:COUNT"))?;
        rules.push(Rule { ports, protocol });
        Ok(())
    }

    /// What a TCP segment between these ports carries, if it was said.
    #[must_use]
    #[inline]
    pub fn tcp(&self, ports: [u16; 2]) -> Option<&'static str> {
        find(&self.tcp, ports)
    }

    /// What a UDP datagram between these ports carries, if it was said.
    #[must_use]
    #[inline]
    pub fn udp(&self, ports: [u16; 2]) -> Option<&'static str> {
        find(&self.udp, ports)
    }
}

/// By the lower port, and then the higher one; what was said last counts.
#[inline]
fn find(rules: &[Rule], [one, other]: [u16; 2]) -> Option<&'static str> {
    if rules.is_empty() {
        return None;
    }
    let of = |port: u16| rules.iter().rev().find(|rule| rule.ports.contains(&port));
    let found = of(one.min(other)).or_else(|| of(one.max(other)))?;
    Some(found.protocol)
}

fn range(text: &str) -> Option<RangeInclusive<u16>> {
    if let Some((first, last)) = text.split_once('-') {
        let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
        return (first <= last).then_some(first..=last);
    }
    if let Some((first, count)) = text.split_once(':') {
        let first: u16 = first.trim().parse().ok()?;
        let more = count.trim().parse::<u16>().ok()?.checked_sub(1)?;
        return Some(first..=first.checked_add(more)?);
    }
    let port = text.parse().ok()?;
    Some(port..=port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_one_or_a_range() {
        let mut rules = DecodeAs::default();
        rules.add("tcp.port==8888,http").unwrap();
        rules.add("tcp.port==9000-9002,tls").unwrap();
        rules.add("udp.port==5300:2,dns").unwrap();
        assert_eq!(rules.tcp([50_000, 8888]), Some("http"));
        assert_eq!(rules.tcp([9002, 9003]), Some("tls"));
        assert_eq!(rules.tcp([9003, 9004]), None);
        assert_eq!(rules.udp([5301, 1]), Some("dns"));
        assert_eq!(rules.udp([5302, 1]), None);
    }

    #[test]
    fn what_is_wrong_is_said() {
        let said = |text: &str| DecodeAs::default().add(text).unwrap_err();
        assert!(said("tcp.port=1,http").contains("TYPE==PORTS,PROTOCOL"));
        assert!(said("ip.proto==1,icmp").contains("tcp.port"));
        assert!(said("tcp.port==80,gopher").contains("there are"));
        assert!(said("tcp.port==9-8,http").contains("FIRST-LAST"));
        assert!(said("tcp.port==65535:2,http").contains("FIRST:COUNT"));
    }
}
