//! `print`: the map that the provider table asks for.

use cli::{Context, Outcome};
use transport::render::map;
use transport::table_name;

use crate::args::{MapFormat, Print};
use crate::site::{self, Table};

pub(crate) fn run(args: &Print, cx: &Context) -> anyhow::Result<Outcome> {
    let table = Table::load(cx, &args.map)?;
    let host = host::instances::discover(cx.site());
    let site = site::domain(cx, &args.map, &host)?;
    let wanted = site::map(cx, &args.map, &table, &site)?;
    cx.print_with(|out| match args.format {
        MapFormat::Map => {
            let made_by = args.map.told(&site);
            wanted.write(out, &made_by, &table_name(table.own.as_deref()))
        }
        MapFormat::Json => map::write_as_json(out, &wanted),
        MapFormat::Csv => map::write_as_csv(out, &wanted),
    })?;
    Ok(match wanted.refused.is_empty() {
        true => Outcome::Done,
        false => Outcome::Partial,
    })
}
