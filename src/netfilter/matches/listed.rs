//! How a listing prints the matches that are kept: each in the words of its own extension.

use super::super::kept::Kept;
use super::super::text::Print;
use super::headers6::mh_name;
use crate::packet::Proto;

/// Prints it as a listing does.
pub(super) fn print(m: &Kept, out: &mut Print) {
    match m.name {
        "ah" => {
            out.words("ah ");
            range_bare(m, out, "ahspi", "spi");
            range_bare(m, out, "ahlen", "length");
            flag(m, out, "ahres", "reserved");
        }
        "bpf" => {
            // 1.8.9 leaves out the blank before it and the number of instructions, and ends it with a null byte.
            out.bare("match bpf");
            match m.get("object-pinned") {
                Some(path) => out.words(format_args!("pinned {path}")),
                None => {
                    let code = m.get("bytecode").unwrap_or_default().trim_matches('"');
                    let code = code.split_once(',').map_or(code, |(_, code)| code);
                    out.words(format_args!("{code}\0"));
                }
            }
        }
        "cgroup" => match m.get("path") {
            Some(path) => out.words(format_args!("cgroup{} {path}", negated(m, "path"))),
            None => spaced(m, out, "cgroup", "cgroup"),
        },
        "cluster" => {
            let not = if is_not(m, "cluster-local-nodemask") { "!" } else { "" };
            let mask = m.get("cluster-local-nodemask").unwrap_or_default();
            let mask = mask.strip_prefix("0x").unwrap_or(mask);
            let (nodes, seed) = (m.get("cluster-total-nodes"), m.get("cluster-hash-seed"));
            out.words(format_args!(
                "cluster {not}node_mask=0x{mask:0>8} total_nodes={} hash_seed={}",
                nodes.unwrap_or_default(),
                seed.unwrap_or_default()
            ));
        }
        "connbytes" => {
            let not = if is_not(m, "connbytes") { "! " } else { "" };
            let span = m.get("connbytes").unwrap_or_default();
            let span = span.strip_suffix(':').unwrap_or(span);
            let (mode, dir) = (m.get("connbytes-mode"), m.get("connbytes-dir"));
            out.words(format_args!(
                "{not}connbytes {span} connbytes mode {} connbytes direction {}",
                mode.unwrap_or_default(),
                dir.unwrap_or_default()
            ));
        }
        "connlabel" => {
            let label = m.get("label").unwrap_or_default().trim_matches('"');
            out.words(format_args!("connlabel{} {label}", negated(m, "label")));
            flag(m, out, "set", "set");
        }
        "cpu" => spaced(m, out, "cpu", "cpu"),
        "dst" | "hbh" => {
            out.words(m.name);
            let (len, opts) = if m.name == "dst" { ("dst-len", "dst-opts") } else { ("hbh-len", "hbh-opts") };
            single(m, out, len, "length");
            if let Some(list) = m.get(opts) {
                out.words(format_args!("opts {list}"));
            }
        }
        "esp" => {
            out.words("esp");
            range(m, out, "espspi", "spi");
        }
        "frag" => {
            out.words("frag ");
            range_bare(m, out, "fragid", "id");
            if let Some(len) = m.get("fraglen") {
                out.words(format_args!("length:{}{len}", Print::not(is_not(m, "fraglen"))));
            }
            for (name, word) in
                [("fragres", "reserved"), ("fragfirst", "first"), ("fragmore", "more"), ("fraglast", "last")]
            {
                flag(m, out, name, word);
            }
        }
        "helper" => {
            let not = if is_not(m, "helper") { "! " } else { "" };
            let name = m.get("helper").unwrap_or_default().trim_matches('"');
            out.words(format_args!("helper match {not}\"{name}\""));
        }
        "ipcomp" => {
            out.words("comp");
            range(m, out, "ipcompspi", "spi");
            flag(m, out, "compres", "reserved");
        }
        "ipv6header" => {
            let headers = m.get("header").unwrap_or_default();
            let not = Print::not(is_not(m, "header"));
            if out.numeric {
                out.words(format_args!("ipv6header flags:{not}0x{:02X}", header_bits(headers)));
            } else {
                out.words(format_args!("ipv6header flags:{not}{headers}"));
            }
            flag(m, out, "soft", "soft");
        }
        "mh" => {
            out.words("mh");
            if let Some(value) = m.get("mh-type") {
                let names: Vec<_> =
                    value.split(':').map(|n| mh_name(n).filter(|_| !out.numeric).unwrap_or(n)).collect();
                out.words(format_args!("{}{}", Print::not(is_not(m, "mh-type")), names.join(":")));
            }
        }
        "time" => time(m, out),
        "realm" => spaced(m, out, "realm", "realm"),
        "rpfilter" => {
            out.words("rpfilter");
            for name in ["loose", "validmark", "accept-local", "invert"] {
                flag(m, out, name, name);
            }
        }
        "rt" => {
            out.words("rt");
            single(m, out, "rt-type", "type");
            range(m, out, "rt-segsleft", "segsleft");
            single(m, out, "rt-len", "length");
            for name in ["rt-0-res", "rt-0-addrs", "rt-0-not-strict"] {
                if let Some(value) = m.get(name) {
                    out.words(
                        format_args!("{} {value}", name.trim_start_matches("rt-")).to_string().trim_end(),
                    );
                }
            }
        }
        "socket" => {
            out.words("socket");
            out.word_for_word(|save| m.save(save));
        }
        "srh" => {
            out.words("srh");
            for opt in &m.opts {
                let name = opt.name.trim_start_matches("srh-");
                match name {
                    "psid" | "nsid" | "lsid" => {
                        let not = if opt.not { "!" } else { "" };
                        out.words(format_args!("{name} {not} {}", opt.value));
                    }
                    _ => out.words(format_args!("{name}:{}{}", Print::not(opt.not), opt.value)),
                }
            }
        }
        "string" => {
            let (hex, not) = (m.get("hex-string"), is_not(m, "string") || is_not(m, "hex-string"));
            let text = hex.or_else(|| m.get("string")).unwrap_or_default();
            let text = text.trim_matches('"');
            let not = if not { "!" } else { "" };
            out.words(format_args!("STRING match {not} \"{text}\""));
            if let Some(name) = m.get("algo") {
                out.words(format_args!("ALGO name {name}"));
            }
            for (name, word) in [("from", "FROM"), ("to", "TO")] {
                if let Some(value) = m.get(name) {
                    out.words(format_args!("{word} {value}"));
                }
            }
            flag(m, out, "icase", "ICASE");
        }
        "u32" => {
            let not = if is_not(m, "u32") { "! " } else { "" };
            out.words(format_args!("u32 {not}\"{}\"", m.get("u32").unwrap_or_default().trim_matches('"')));
        }
        "osf" => {
            let not = if is_not(m, "genre") { "! " } else { "" };
            out.words(format_args!("OS fingerprint match {not}{}", m.get("genre").unwrap_or_default()));
        }
        "policy" => policy(m, out),
        "devgroup" => out.as_saved(|save| m.save(save)),
        "eui64" => {}
        _ => {
            out.words(m.name);
            out.as_saved(|save| m.save(save));
        }
    }
}

fn is_not(m: &Kept, name: &str) -> bool {
    m.opts.iter().any(|o| o.name == name && o.not)
}

fn negated(m: &Kept, name: &str) -> &'static str {
    if is_not(m, name) { " !" } else { "" }
}

fn flag(m: &Kept, out: &mut Print, name: &str, word: &str) {
    if m.has(name) {
        out.words(word);
    }
}

/// `word ! VALUE`.
fn spaced(m: &Kept, out: &mut Print, name: &str, word: &str) {
    if let Some(value) = m.get(name) {
        out.words(format_args!("{word}{} {value}", negated(m, name)));
    }
}

/// `word:!VALUE`.
fn single(m: &Kept, out: &mut Print, name: &str, word: &str) {
    if let Some(value) = m.get(name) {
        out.words(format_args!("{word}:{}{value}", Print::not(is_not(m, name))));
    }
}

/// `word:VALUE` for one number, `words:LOW:HIGH` for a range.
fn span(m: &Kept, name: &str, word: &str) -> Option<String> {
    let value = m.get(name)?;
    let plural = if value.contains(':') { "s" } else { "" };
    Some(format!("{word}{plural}:{}{value}", Print::not(is_not(m, name))))
}

fn range(m: &Kept, out: &mut Print, name: &str, word: &str) {
    if let Some(text) = span(m, name, word) {
        out.words(text);
    }
}

/// The same, where the extension writes no blank before it.
fn range_bare(m: &Kept, out: &mut Print, name: &str, word: &str) {
    if let Some(text) = span(m, name, word) {
        out.bare(text);
    }
}

/// `TIME from … to … on …`.
fn time(m: &Kept, out: &mut Print) {
    out.words("TIME");
    if m.has("timestart") || m.has("timestop") {
        let start = m.get("timestart").unwrap_or("00:00:00");
        out.words(format_args!("from {start} to {}", m.get("timestop").unwrap_or("23:59:59")));
    }
    let list = |name, word: &str| {
        let all = if is_not(m, name) { "all days except" } else { "on" };
        m.get(name)
            .map(|days| (all, days.split(',').map(|d| format!("{d}{word}")).collect::<Vec<_>>().join(",")))
    };
    if let Some((before, days)) = list("weekdays", "") {
        out.words(format_args!("{before} {days}"));
    }
    if let Some(days) = m.get("monthdays") {
        let days: Vec<_> = days.split(',').map(|day| format!("{day}{}", ordinal(day))).collect();
        let before = if is_not(m, "monthdays") { "on all except" } else { "on" };
        out.words(format_args!("{before} {}", days.join(",")));
    }
    // Dates at the ends of what the kernel can count are none.
    let date = |name: &str, none: &str| m.get(name).filter(|d| *d != none).map(|d| d.replace('T', " "));
    if let Some(date) = date("datestart", "1970-01-01T00:00:00") {
        out.words(format_args!("starting from {date}"));
    }
    if let Some(date) = date("datestop", "2038-01-19T03:14:07") {
        out.words(format_args!("until date {date}"));
    }
    flag(m, out, "contiguous", "contiguous");
    if !m.has("kerneltz") {
        out.words("UTC");
    }
}

/// What iptables writes behind a day: it goes by the last digit alone.
fn ordinal(day: &str) -> &'static str {
    match day.as_bytes().last() {
        Some(b'1') => "st",
        Some(b'2') => "nd",
        Some(b'3') => "rd",
        _ => "th",
    }
}

/// The bits of `--header` (`ip6t_ipv6header.h`).
fn header_bits(names: &str) -> u8 {
    let bit = |name: &str| match name {
        "hop-by-hop" => 0x80,
        "ipv6-opts" => 0x40,
        "ipv6-route" => 0x20,
        "ipv6-frag" => 0x10,
        "ah" => 0x08,
        "esp" => 0x04,
        "ipv6-nonxt" => 0x02,
        "protocol" => 0x01,
        _ => 0,
    };
    names.split(',').map(bit).sum()
}

/// The elements of `--strict` policies stand numbered where there are several.
fn policy(m: &Kept, out: &mut Print) {
    out.words("policy match");
    let elements = 1 + m.opts.iter().filter(|o| o.name == "next").count();
    let (head, rest) = m.opts.split_at(m.opts.iter().position(is_element).unwrap_or(m.opts.len()));
    for opt in head {
        let text = format!("{}{} {}", if opt.not { "! " } else { "" }, opt.name, opt.value);
        out.words(text.trim_end());
    }
    let mut element = 0;
    if elements > 1 {
        out.words("[0]");
    }
    for opt in rest {
        if opt.name == "next" {
            element += 1;
            out.words(format_args!("[{element}]"));
            continue;
        }
        let proto = Proto::by_name(&opt.value).filter(|_| opt.name == "proto" && out.numeric);
        let value = proto.map_or_else(|| opt.value.to_string(), |p| p.0.to_string());
        out.words(format_args!("{}{} {value}", if opt.not { "! " } else { "" }, opt.name));
    }
}

fn is_element(opt: &super::super::kept::KeptOpt) -> bool {
    matches!(opt.name, "reqid" | "spi" | "proto" | "mode" | "tunnel-src" | "tunnel-dst" | "next")
}
