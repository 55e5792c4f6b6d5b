//! Writes the schemas in `schemas/messages` anew. `make schemas` runs it.

use std::{fs, io, path::Path};

fn main() -> io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/messages");
    for document in drover_messages::schema::documents() {
        fs::write(folder.join(document.file_name()), document.text())?;
    }
    Ok(())
}
