//! How packets are printed: the options that `capture read` and `capture live` share, with tshark's
//! names.

use anyhow::Context as _;
use clap::ValueEnum;

use crate::cli::misuse::{Misuse, misuse};
use crate::filter::display::DisplayFilter;
use crate::read::color::{Coloring, default_rules};
use crate::read::print::{
    Chosen, Details, Diagram, Fields, JsonBytes, JsonKeys, Layout, Names, Occurrence, Quote,
    Seconds, Text, TimeStyle,
};
use crate::read::{Preferences, print::TimeFormat};

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Printing")]
pub(super) struct PrintArgs {
    /// Show only the packets that match this display filter, in Wireshark's language.
    #[arg(short = 'Y', long, value_name = "FILTER")]
    pub(super) display_filter: Option<String>,

    /// All fields of each packet, as a tree.
    #[arg(short = 'V')]
    details: bool,

    /// The fields of these protocols, and of the others the first line (tcp,ip).
    #[arg(short = 'O', value_name = "PROTOCOLS")]
    only: Option<String>,

    /// The headers of each packet as standards draw them, 32 bits a row, filled with its values; of these
    /// protocols alone, if any are named (ip,tcp).
    #[arg(long, value_name = "PROTOCOLS", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    diagram: Option<String>,

    /// The bytes of each packet; the list too with -P, the fields too with -V.
    #[arg(short = 'x')]
    bytes: bool,

    /// The line of the list too, with -V, -O, -x or -w.
    #[arg(short = 'P')]
    pub(super) list: bool,

    /// Form of the output [default: text].
    #[arg(short = 'T', value_name = "FORM")]
    form: Option<Form>,

    /// A field to print with -T fields; may be given several times. `_ws.col.Info` and the like are the
    /// columns of the list, by the titles that -o gui.column.format gives them.
    #[arg(short = 'e', value_name = "FIELD")]
    fields: Vec<String>,

    /// How fields are printed: header=y|n, separator=/t|/s|CHARACTER, occurrence=f|l|a,
    /// aggregator=,|/s|CHARACTER, quote=d|s|n, bom=y|n.
    #[arg(short = 'E', value_name = "OPTION=VALUE")]
    field_options: Vec<String>,

    /// With -T json, jsonraw, ek or pdml: these protocols and fields alone ('ip ip.flags'), of what lies
    /// below them only what is named too.
    #[arg(
        short = 'j',
        value_name = "NAMES",
        conflicts_with = "protocols_in_full"
    )]
    named_alone: Option<String>,

    /// With -T json, jsonraw, ek or pdml: these protocols alone ('ip tcp'), in full.
    #[arg(short = 'J', value_name = "PROTOCOLS")]
    protocols_in_full: Option<String>,

    /// With -T json or jsonraw: fields of one name are one member, whose value is an array of theirs.
    #[arg(long)]
    no_duplicate_keys: bool,

    /// What is printed behind each packet's fields or bytes [default: an empty line].
    #[arg(short = 'S', value_name = "TEXT", allow_hyphen_values = true)]
    separator: Option<String>,

    /// Time in the list: r (since the first packet), d (since the one before), dd (since the last shown), e
    /// (since 1970), a, ad, adoy (time of day, with date, with day of the year, in UTC), u, ud, udoy (the
    /// same).
    #[arg(short = 't', long = "time", value_name = "FORMAT", default_value = "r")]
    time: TimeFormat,

    /// Lengths of time in the list: s (seconds), or hms (hours, minutes, seconds).
    #[arg(short = 'u', value_name = "FORMAT", default_value = "s")]
    seconds: Seconds,

    /// No names for addresses.
    #[arg(short = 'n', long = "numbers", conflicts_with = "names")]
    numbers: bool,

    /// Names for these alone: m (vendors of MAC addresses, as without -N), d (what DNS tells, for -z hosts);
    /// other names are not known here.
    #[arg(short = 'N', value_name = "FLAGS")]
    names: Option<String>,

    /// Dissect a port's payload as this protocol: tcp.port==8888,http; udp.port==5300-5310,dns. May be
    /// given several times.
    #[arg(short = 'd', value_name = "TYPE==PORTS,PROTOCOL")]
    decode_as: Vec<String>,

    /// A preference, TRUE or FALSE, a file (`tls.keylog_file:keys.log`), or the columns of the list
    /// ('gui.column.format:"No.","%m","Host","%Cus:http.host:0:R"'); `-o help:` lists them.
    #[arg(short = 'o', long = "option", value_name = "NAME:VALUE")]
    option: Vec<String>,

    /// Color the list: by Wireshark's default rules, or a color for each conversation. The terminal has to
    /// know colors of 24 bits.
    #[arg(long, value_name = "BY", num_args = 0..=1, require_equals = true, default_missing_value = "rules")]
    color: Option<ColorBy>,

    /// A statistic over all packets, by tshark's words: conv,tcp; endpoints,ip; io,stat,1; io,phs and
    /// others (`capture stats` lists them). May be given several times.
    #[arg(short = 'z', value_name = "STATISTIC")]
    pub(super) statistics: Vec<String>,

    /// Hand on what is printed at once.
    #[arg(short = 'l')]
    pub(super) flush: bool,
}

/// What `--color` goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ColorBy {
    /// Wireshark's default coloring rules.
    Rules,
    /// A color for each conversation.
    Conversation,
}

/// Forms of `-T`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// List, details, bytes.
    Text,
    /// The same, with tabs between the columns of the list.
    Tabs,
    /// The fields of -e, a line for each packet.
    Fields,
    /// All fields, as JSON.
    Json,
    /// The bytes of all fields, as JSON.
    Jsonraw,
    /// All fields, two lines of JSON for each packet, for Elasticsearch's bulk interface.
    Ek,
    /// All fields, as XML.
    Pdml,
    /// The list, as XML.
    Psml,
}

impl PrintArgs {
    /// The word of an option that says something of printing, if there is one.
    pub(super) fn given(&self) -> Option<&'static str> {
        let Self {
            display_filter,
            details,
            only,
            diagram,
            bytes,
            list: _,
            form,
            fields,
            field_options,
            named_alone,
            protocols_in_full,
            no_duplicate_keys,
            separator,
            time,
            seconds,
            numbers,
            names,
            decode_as: _,
            option: _,
            color,
            statistics: _,
            flush: _,
        } = self;
        let given = [
            ("-Y", display_filter.is_some()),
            ("-V", *details),
            ("-O", only.is_some()),
            ("--diagram", diagram.is_some()),
            ("-x", *bytes),
            ("-T", form.is_some()),
            ("-e", !fields.is_empty()),
            ("-E", !field_options.is_empty()),
            ("-j", named_alone.is_some()),
            ("-J", protocols_in_full.is_some()),
            ("--no-duplicate-keys", *no_duplicate_keys),
            ("-S", separator.is_some()),
            ("-t", *time != TimeFormat::default()),
            ("-u", *seconds != Seconds::default()),
            ("-n", *numbers),
            ("-N", names.is_some()),
            ("--color", color.is_some()),
        ];
        given
            .into_iter()
            .find(|(_, given)| *given)
            .map(|(word, _)| word)
    }

    /// Which packets are shown.
    pub(super) fn filter(&self) -> anyhow::Result<Option<DisplayFilter>> {
        let filter = self.display_filter.as_deref().map(DisplayFilter::new);
        filter.transpose().context("-Y")
    }

    /// Colors of the list.
    pub(super) fn coloring(&self) -> Option<Coloring> {
        self.color.map(|color| match color {
            ColorBy::Rules => Coloring::Rules(default_rules()),
            ColorBy::Conversation => Coloring::conversations(),
        })
    }

    /// What dissectors are told.
    pub(super) fn preferences(&self) -> anyhow::Result<Preferences> {
        let mut preferences = preferences(&self.option)?;
        preferences.names = self.address_names()?;
        preferences.dns_names = match &self.names {
            Some(flags) => flags.contains('d'),
            None => !self.numbers,
        };
        for rule in &self.decode_as {
            preferences
                .decode_as
                .add(rule)
                .map_err(Misuse)
                .context("-d")?;
        }
        Ok(preferences)
    }

    fn address_names(&self) -> anyhow::Result<Names> {
        if self.numbers {
            return Ok(Names::Numbers);
        }
        let Some(flags) = &self.names else {
            return Ok(Names::Vendors);
        };
        if let Some(other) = flags.chars().find(|flag| !matches!(flag, 'd' | 'm')) {
            misuse!(
                "-N {other}: addresses and ports are shown as numbers here; m, for the vendors of MAC addresses, and d, for -z hosts, is what there is"
            );
        }
        Ok(if flags.contains('m') {
            Names::Vendors
        } else {
            Names::Numbers
        })
    }

    /// What is printed of each packet.
    pub(super) fn layout(&self) -> anyhow::Result<Layout> {
        let names = self.address_names()?;
        let form = self.form.unwrap_or(Form::Text);
        if form != Form::Fields && !self.fields.is_empty() {
            misuse!("-e names fields for -T fields; add that");
        }
        if self.diagram.is_some() && !matches!(form, Form::Text | Form::Tabs) {
            misuse!("--diagram is text; leave -T away");
        }
        if self.no_duplicate_keys && !matches!(form, Form::Json | Form::Jsonraw) {
            misuse!("--no-duplicate-keys belongs to -T json and jsonraw; add one of them");
        }
        let chosen = self.chosen(form)?;
        let columns = preferences(&self.option)?.columns;
        let time = TimeStyle {
            format: self.time,
            seconds: self.seconds,
        };
        // What -E says has to be right even where, as in tshark, it changes nothing.
        let mut fields = Fields::new(&self.fields, &columns.clone().unwrap_or_default())?;
        fields.time = time;
        fields.address_names = names;
        for option in &self.field_options {
            field_option(&mut fields, option).context("-E")?;
        }
        Ok(match form {
            Form::Text | Form::Tabs => {
                let details = match &self.only {
                    Some(only) => Some(Details::only(only).map_err(Misuse).context("-O")?),
                    None => self.details.then_some(Details::All),
                };
                Layout::Text(Text {
                    list: self.list || (details.is_none() && self.diagram.is_none() && !self.bytes),
                    columns,
                    details,
                    diagram: self.diagram()?,
                    bytes: self.bytes,
                    time,
                    names,
                    tabs: form == Form::Tabs,
                    separator: self.separator.clone().unwrap_or_default(),
                })
            }
            Form::Json | Form::Jsonraw => Layout::Json {
                keys: if self.no_duplicate_keys {
                    JsonKeys::Merged
                } else {
                    JsonKeys::Each
                },
                bytes: match (form, self.bytes) {
                    (Form::Jsonraw, _) => JsonBytes::Alone,
                    (_, true) => JsonBytes::Beside,
                    (_, false) => JsonBytes::None,
                },
                chosen,
            },
            Form::Ek => Layout::Ek {
                bytes: self.bytes,
                chosen,
            },
            Form::Pdml => Layout::Pdml { chosen, names },
            Form::Psml => Layout::Psml {
                columns: columns.unwrap_or_default(),
                time,
                names,
            },
            Form::Fields => {
                if self.fields.is_empty() {
                    misuse!("-T fields prints the fields that -e names: -e ip.src -e tcp.dstport");
                }
                Layout::Fields(fields)
            }
        })
    }

    /// The headers that `--diagram` draws.
    fn diagram(&self) -> anyhow::Result<Option<Diagram>> {
        let drawn = self.diagram.as_deref().map(|names| match names {
            "" => Ok(Diagram::All),
            names => Diagram::only(names),
        });
        let drawn = drawn.transpose().map_err(Misuse);
        drawn.context("--diagram")
    }

    /// The fields that `-j` or `-J` names.
    fn chosen(&self, form: Form) -> anyhow::Result<Option<Chosen>> {
        let (word, chosen) = match (&self.named_alone, &self.protocols_in_full) {
            (Some(names), _) => ("-j", Chosen::alone(names)),
            (_, Some(names)) => ("-J", Chosen::in_full(names)),
            (None, None) => return Ok(None),
        };
        if !matches!(form, Form::Json | Form::Jsonraw | Form::Ek | Form::Pdml) {
            misuse!("{word} belongs to -T json, jsonraw, ek and pdml; add one of them");
        }
        chosen.map(Some).map_err(Misuse).context(word)
    }
}

/// Preferences that `-o` sets.
pub(super) fn preferences(options: &[String]) -> anyhow::Result<Preferences> {
    let mut preferences = Preferences::default();
    for option in options {
        preferences.set(option).map_err(Misuse).context("-o")?;
    }
    Ok(preferences)
}

/// One of `-E`.
fn field_option(fields: &mut Fields, option: &str) -> anyhow::Result<()> {
    let Some((name, value)) = option.split_once('=') else {
        misuse!("{option:?} is not OPTION=VALUE");
    };
    match (name, value) {
        ("header", _) => fields.header = yes(name, value)?,
        ("bom", _) => fields.bom = yes(name, value)?,
        ("separator", _) => fields.separator = character(name, value)?,
        ("aggregator", _) => fields.aggregator = character(name, value)?,
        ("occurrence", "f") => fields.occurrence = Occurrence::First,
        ("occurrence", "l") => fields.occurrence = Occurrence::Last,
        ("occurrence", "a") => fields.occurrence = Occurrence::All,
        ("occurrence", _) => misuse!("occurrence is f (first), l (last) or a (all)"),
        ("quote", "d") => fields.quote = Quote::Double,
        ("quote", "s") => fields.quote = Quote::Single,
        ("quote", "n") => fields.quote = Quote::None,
        ("quote", _) => misuse!("quote is d (double), s (single) or n (none)"),
        _ => misuse!(
            "there is no option {name:?}; there are header, separator, occurrence, aggregator, quote, bom"
        ),
    }
    Ok(())
}

fn yes(name: &str, value: &str) -> anyhow::Result<bool> {
    match value {
        "y" => Ok(true),
        "n" => Ok(false),
        _ => misuse!("{name} is y or n"),
    }
}

/// A character, or tshark's words for tab and space.
fn character(name: &str, value: &str) -> anyhow::Result<char> {
    match value {
        "/t" => return Ok('\t'),
        "/s" => return Ok(' '),
        _ => {}
    }
    let mut characters = value.chars();
    match (characters.next(), characters.next()) {
        (Some(character), None) => Ok(character),
        _ => misuse!("{name} is one character, /t (tab) or /s (space)"),
    }
}
