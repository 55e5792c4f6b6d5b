//! Writes the documents in `schemas/openapi` anew. `make schemas` runs it.

use std::{fs, io, path::Path};

fn main() -> io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/openapi");
    for document in drover_ingress::api_documents() {
        fs::write(folder.join(format!("{}.json", document.family)), document.text())?;
    }
    Ok(())
}
