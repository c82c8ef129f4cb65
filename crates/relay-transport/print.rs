//! `print`: the map that the provider table asks for.

use cli::{Context, Outcome};
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
    let wanted = site::map_of(cx, &args.map, &table, &site, &known)?;
    cx.print_with(|out| match args.format {
        MapFormat::Map => {
            let made_by = args.map.command(&site);
            wanted.write(out, &made_by, &table_name(table.own.as_deref()))
        }
        MapFormat::Json => map::write_as_json(out, &wanted),
        MapFormat::Csv => map::write_as_csv(out, &wanted),
    })?;
    // A map without the lines that could not be looked at would send their mail elsewhere: it is whole, and in doubt.
    let is_sure = known.missing.is_empty() && !known.is_unknown;
    Ok(match wanted.refused.is_empty() && is_sure {
        true => Outcome::Done,
        false => Outcome::Partial,
    })
}
