//! How a listing prints the targets that are kept: each in the words of its own extension.

use super::super::kept::Kept;
use super::super::text::Print;
use super::super::value;

/// Prints it as a listing does.
pub(super) fn print(t: &Kept, out: &mut Print) {
    let get = |name| t.get(name).unwrap_or_default();
    match t.name {
        "AUDIT" => out.words(format_args!("AUDIT {}", get("type"))),
        "IDLETIMER" => {
            out.words(format_args!("timeout:{} label:{}", get("timeout"), get("label")));
            if t.has("alarm") {
                out.words("alarm");
            }
        }
        "RATEEST" => {
            out.words(format_args!(
                "name {} interval {} ewmalog {}",
                get("rateest-name"),
                get("rateest-interval"),
                get("rateest-ewmalog")
            ));
        }
        "HMARK" => hmark(t, out),
        "SECMARK" => out.words(format_args!("SECMARK selctx {}", get("selctx"))),
        "SYNPROXY" => {
            out.words("SYNPROXY");
            out.as_saved(|save| t.save(save));
            out.bare(" ");
        }
        "TCPOPTSTRIP" => tcp_options(get("strip-options"), out),
        "TEE" => {
            out.words(format_args!("TEE gw:{}", get("gateway")));
            if let Some(oif) = t.get("oif") {
                out.words(format_args!("oif={oif}"));
            }
        }
        "TPROXY" => {
            let (ip, port, mark) = (get("on-ip"), get("on-port"), get("tproxy-mark"));
            let ip = match (ip, out.family.is_v4()) {
                ("", true) => "0.0.0.0",
                ("", false) => "::",
                (ip, _) => ip,
            };
            out.words(format_args!("TPROXY redirect {ip}:{port} mark {mark}"));
        }
        _ => {
            out.words(t.name);
            out.as_saved(|save| t.save(save));
        }
    }
}

fn hmark(t: &Kept, out: &mut Print) {
    out.words("HMARK");
    out.words(format_args!("mod {}", t.get("hmark-mod").unwrap_or_default()));
    if let Some(offset) = t.get("hmark-offset") {
        let number = value::number(offset).unwrap_or_default();
        out.words(format_args!("+ {number:#x}"));
    }
    if t.get("hmark-tuple").is_some_and(|tuple| tuple == "ct") {
        out.words("ct,");
    }
    for opt in &t.opts {
        let name = opt.name.trim_start_matches("hmark-");
        if !matches!(name, "mod" | "offset" | "tuple") {
            let value = match opt.value.strip_prefix("0x") {
                Some(hex) if hex.bytes().all(|b| b == b'0') => "0x0".to_owned(),
                Some(hex) => format!("0x{}", hex.trim_start_matches('0')),
                None => opt.value.to_string(),
            };
            out.words(format_args!("{name} {value}"));
        }
    }
    out.bare(" ");
}

/// By the names that `--strip-options` takes, unless numbers are asked for.
fn tcp_options(list: &str, out: &mut Print) {
    const NAMES: [(&str, &str); 6] = [
        ("wscale", "3"),
        ("mss", "2"),
        ("sack-permitted", "4"),
        ("sack", "5"),
        ("timestamp", "8"),
        ("md5", "19"),
    ];
    if list.is_empty() {
        return;
    }
    let shown = |word: &str| {
        let known = NAMES.iter().find(|(name, number)| *name == word || *number == word);
        match known {
            Some((name, number)) => if out.numeric { *number } else { *name }.to_owned(),
            None => word.to_owned(),
        }
    };
    let list = list.split(',').map(shown).collect::<Vec<_>>().join(",");
    out.words(format_args!("TCPOPTSTRIP options {list}"));
}
