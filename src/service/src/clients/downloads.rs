//! Where the QR code of a client group leads. Its address is printed on walls, so it does not expire: a key of 128 random
//! bits is what keeps it from being guessed.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use drover_domain::Os;
use drover_store::clients::downloads;

use crate::{Service, ServiceError};

/// The length of a download key: 128 bits, six a character.
const KEY_LEN: usize = 22;

/// What the QR code of a client group downloads, with links that are good for the configured time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DownloadPage {
    /// The program's name for people: that of its group.
    pub title: String,
    /// The operating system that it is for.
    pub os: Os,
    /// The program's name for itself.
    pub package_name: String,
    /// The version as people read it.
    pub version_name: String,
    /// Where the file is.
    pub file_url: String,
    /// Where its icon is.
    pub icon_url: Option<String>,
    /// Where the manifest is that iOS installs from.
    pub manifest_url: String,
}

impl Service {
    /// A new key for the address that a client group's QR code holds.
    pub fn client_download_key(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.random::<16>())
    }

    /// What the QR code of a client group holds.
    pub fn download_page_url(&self, key: &str) -> String {
        format!("{}/get/{key}", self.options().public_url)
    }

    /// Where the image of a client group's QR code is.
    pub fn qr_code_url(&self, key: &str) -> String {
        format!("{}/qr.png", self.download_page_url(key))
    }

    /// What the QR code with this key downloads. A group that chose no version, or one that was withdrawn, has nothing to
    /// download, and looks like a key that nobody has.
    pub async fn download_page(&self, key: &str) -> Result<DownloadPage, ServiceError> {
        // The key is all that it takes, so it is in no message.
        let unknown = || ServiceError::not_found("download", "of this key");
        if key.len() != KEY_LEN {
            return Err(unknown());
        }
        let found = downloads::by_key(&self.store().client().await?, key).await?.ok_or_else(unknown)?;
        Ok(DownloadPage {
            title: found.group_name,
            os: found.os,
            package_name: found.package_name,
            version_name: found.version_name,
            file_url: self.file_link(found.file, &found.app_name),
            icon_url: found.icon.map(|(icon, name)| self.file_link(icon, &name)),
            manifest_url: format!("{}/manifest.plist", self.download_page_url(key)),
        })
    }
}
