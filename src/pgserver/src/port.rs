//! The port of the server: asked for, remembered, or any free one.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};

use crate::home::Home;
use crate::{PgServerError, PgServerOptions};

/// A port that was free a moment ago. Somebody may take it before the server does; starting copes with that.
pub(crate) fn pick(options: &PgServerOptions, home: &Home) -> Result<u16, PgServerError> {
    if let Some(port) = options.port {
        return if is_free(port) { Ok(port) } else { Err(PgServerError::PortTaken { port }) };
    }
    match remembered(home) {
        Some(port) if is_free(port) => Ok(port),
        _ => any_free().map_err(PgServerError::io("find a free port for", home.cluster())),
    }
}

/// Keeps the port for the next start, so that a URL somebody has noted stays right.
pub(crate) fn remember(home: &Home, port: u16) -> Result<(), PgServerError> {
    fs::write(home.port_file(), port.to_string()).map_err(PgServerError::io("write", home.port_file()))
}

fn remembered(home: &Home) -> Option<u16> {
    fs::read_to_string(home.port_file()).ok()?.trim().parse().ok()
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

fn any_free() -> std::io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
