//! `print`: the map that the provider table asks for.

use cli::{Context, Failure, Outcome};
use transport::render::map;
use transport::table_name;

use crate::args::{MapFormat, Print};
use crate::existing::{self, Questions};
use crate::site::{self, Table};

pub(crate) fn run(args: &Print, cx: &Context) -> anyhow::Result<Outcome> {
    let table = Table::load(cx, &args.map)?;
    let host = host::instances::discover(cx.site());
    let site = site::domain(cx, &args.map, &host)?;
    site::known_providers(&args.map, &table)?;
    // What an image's relays are called, this machine's DNS need not know.
    let questions = match cx.root().is_this_host() {
        true => Some(Questions {
            servers: args.resolver.servers().unwrap_or_default(),
            timeout: args.resolver.timeout(),
        }),
        false => None,
    };
    let known = existing::known(cx, &args.map, &table, &site, questions, None)?;
    // A map that is in use would lose lines because a server was silent for a minute.
    if cx.to_file() && cx.root().is_this_host() && !known.unknown.is_empty() {
        let what = "the map is not written: of some relays it is not known whether they exist";
        let hint =
            "try again when the DNS answers, or use --relays NAME,... (or all) for those that do";
        return Err(Failure::new(what).hint(hint).into());
    }
    let wanted = site::map_of(cx, &args.map, &table, &site, &known)?;
    let left_out = [&known.left_out[..], &site::refused(&wanted)].concat();
    cx.print_with(|out| match args.format {
        MapFormat::Map => {
            let made_by = args.map.command(&site);
            wanted.write(out, &made_by, &table_name(table.own.as_deref()))
        }
        MapFormat::Json => map::write_as_json(out, &wanted, &left_out),
        MapFormat::Csv => map::write_as_csv(out, &wanted),
    })?;
    Ok(match left_out.is_empty() {
        true => Outcome::Done,
        false => Outcome::Partial,
    })
}
