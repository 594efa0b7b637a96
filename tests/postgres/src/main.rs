//! A server to look at: it says where it is, and ends with its input.

use std::io::{self, Read as _, Write as _};

use test_postgres::{Postgres, Role};

fn main() -> io::Result<()> {
    let server = Postgres::shared();
    let database = server.database();
    let mut out = io::stdout();
    writeln!(out, "{}", server.folder().display())?;
    writeln!(out, "{}", server.address())?;
    writeln!(out, "{}", database.url(Role::Owner))?;
    out.flush()?;
    io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
