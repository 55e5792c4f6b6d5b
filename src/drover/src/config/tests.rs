//! The environment and the files of these tests are made up: no test changes those of the process.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;

use figment::value::Value;

use super::ranges::RANGES;
use super::sources::Keys;
use super::*;

const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// What one test configures.
#[derive(Default)]
struct Given {
    file: &'static str,
    environment: Vec<(OsString, OsString)>,
    flags: Overrides,
}

impl Given {
    fn load(self) -> Result<Config, ConfigError> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("drover.toml");
        if !self.file.is_empty() {
            fs::write(&file, self.file).unwrap();
        }
        load_from(&self.flags, self.environment, &file)
    }

    fn error(self) -> String {
        self.load().unwrap_err().to_string()
    }
}

fn from_file(file: &'static str) -> Given {
    Given { file, ..Given::default() }
}

fn from_environment(environment: &[(&str, &str)]) -> Given {
    Given { environment: variables(environment), ..Given::default() }
}

fn variables(named: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    named.iter().map(|(name, value)| (name.into(), value.into())).collect()
}

fn assert_says(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "{part:?} is missing in: {message}");
    }
}

#[test]
fn nothing_given_gives_the_built_in_values() {
    let config = Given::default().load().unwrap();
    assert_eq!(config.http.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.files_dir(), PathBuf::from("./drover-data/files"));
    assert!(config.database.url.is_none() && config.amqp.url.is_none() && config.secret_key.is_none());
    assert!(config.http.internal_listen.is_none(), "nobody asks without a login unless it was wished for");
}

#[test]
fn flags_win_over_environment_over_file() {
    let given = Given {
        file: "[http]\nlisten = '127.0.0.1:1'\nmax_connections = 1\nmax_body_bytes = 2048",
        environment: variables(&[("DROVER_HTTP__LISTEN", "127.0.0.1:2"), ("DROVER_HTTP__MAX_CONNECTIONS", "2")]),
        flags: Overrides::default().set("http.listen", Some("127.0.0.1:3")).set("data_dir", None::<String>),
    };
    let http = given.load().unwrap().http;
    assert_eq!((http.listen.port(), http.max_connections, http.max_body_bytes), (3, 2, 2048));
}

#[test]
fn the_usual_names_are_understood_and_drovers_own_are_stronger() {
    let usual = [("DATABASE_URL", "postgres://a"), ("AMQP_URL", "amqp://a"), ("PATH", "/bin")];
    let config = from_environment(&usual).load().unwrap();
    assert_eq!(config.database.url.unwrap().expose(), "postgres://a");
    assert_eq!(config.amqp.url.unwrap().expose(), "amqp://a");

    let both = [("DROVER_DATABASE__URL", "postgres://own"), ("DATABASE_URL", "postgres://usual")];
    assert_eq!(from_environment(&both).load().unwrap().database.url.unwrap().expose(), "postgres://own");
}

#[test]
fn an_empty_variable_is_unset() {
    let empty = [("DATABASE_URL", ""), ("DROVER_SECRET_KEY", ""), ("DROVER_HTTP__LISTEN", "")];
    assert!(from_environment(&empty).load().unwrap().database.url.is_none());
}

#[test]
fn unknown_keys_are_named_with_their_place() {
    let message = from_file("[http]\nlisten = '127.0.0.1:1'\nlisen = 'x'").error();
    assert_says(&message, &["http.lisen", "drover.toml", "listen"]);
    assert_says(&from_file("[htp]\nlisten = 'x'").error(), &["unknown key htp", "drover.toml", "http"]);
    for name in ["DROVER_HTTP__LISEN", "DROVER_HTTP_LISTEN", "DROVER_HTTP", "DROVER_HTTP__LISTEN__MORE", "DROVER_"] {
        assert_says(&from_environment(&[(name, "1")]).error(), &["unknown key", name]);
    }
    let message = Given { flags: Overrides::default().set("http.lisen", Some("x")), ..Given::default() }.error();
    assert_says(&message, &["lisen"]);
}

#[test]
fn values_of_the_wrong_type_are_named_with_their_place() {
    let message = from_environment(&[("DROVER_WORKERS__TICK_MS", "soon")]).error();
    assert_says(&message, &["DROVER_WORKERS__TICK_MS", "environment"]);
    assert_says(&from_file("[workers]\ntick_ms = 'soon'").error(), &["workers.tick_ms", "drover.toml"]);
    assert_says(&from_file("http = 5").error(), &["http", "drover.toml"]);
    assert_says(&from_file("[http").error(), &["drover.toml"]);
    assert_says(&from_file("[log]\nformat = 'xml'").error(), &["json", "text"]);
}

#[test]
fn every_number_is_held_to_its_range() {
    for &(key, least, most) in RANGES {
        let error = |value: u64| {
            let flags = Overrides::default().set(key, Some(value));
            Given { flags, ..Given::default() }.error()
        };
        let rule = format!("between {least} and {most}");
        assert_says(&error(most + 1), &[key, &rule, "the command line"]);
        if least > 0 {
            assert_says(&error(least - 1), &[key, &rule]);
        }
    }
}

#[test]
fn a_value_out_of_range_names_its_place() {
    let message = from_environment(&[("DROVER_WORKERS__PLAN_CHUNK", "0")]).error();
    assert_says(&message, &["workers.plan_chunk", "the environment", "between 1 and 10000"]);
    assert_says(&from_file("[workers]\nplan_chunk = 0").error(), &["workers.plan_chunk", "drover.toml"]);
}

#[test]
fn values_that_depend_on_others_are_checked() {
    let message = from_file("[workers]\nretry_backoff_base_s = 60\nretry_backoff_max_s = 30").error();
    assert_says(&message, &["workers.retry_backoff_max_s", "workers.retry_backoff_base_s", "60"]);
    let message = from_environment(&[("DROVER_HTTP__INTERNAL_LISTEN", "127.0.0.1:8080")]).error();
    assert_says(&message, &["http.internal_listen", "http.listen", "environment"]);
}

#[test]
fn urls_need_their_scheme() {
    assert_says(&from_environment(&[("AMQP_URL", "http://host")]).error(), &["amqp.url", "amqps://", "environment"]);
    assert_says(&from_file("[http]\npublic_url = 'drover.example.com'").error(), &["http.public_url", "https://"]);
    assert_says(&from_file("[files]\nurl = 's3://bucket'").error(), &["files.url", "file:///"]);
    let config = from_file("[files]\nurl = 'file:///srv/files'").load().unwrap();
    assert_eq!(config.files_dir(), PathBuf::from("/srv/files"));
}

#[test]
fn a_manifest_entry_needs_a_name() {
    let message = from_file("[applications]\ncontainer_entry = '=wrapped'").error();
    assert_says(&message, &["applications.container_entry", "a name", "drover.toml"]);
    assert!(from_file("[applications]\nbuilt_in_entry = 'com.example.builtin'").load().is_ok());
}

#[test]
fn the_secret_key_is_32_bytes_in_base64() {
    let key = from_environment(&[("DROVER_SECRET_KEY", KEY)]).load().unwrap().secret_key.unwrap();
    assert_eq!(key.expose()[31], 31);
    for bad in ["hunter2hunter2", "AAEC", "12345678"] {
        let message = from_environment(&[("DROVER_SECRET_KEY", bad)]).error();
        assert_says(&message, &["DROVER_SECRET_KEY", "32 bytes in base64"]);
        assert!(!message.contains(bad), "{message}");
    }
}

#[test]
fn secrets_are_never_shown() {
    let environment = [("DATABASE_URL", "postgres://u:hunter2@h/d"), ("AMQP_URL", "amqp://u:hunter2@h")];
    let config = from_environment(&environment).load().unwrap();
    let shown = format!("{config:?} {}", config.database.url.as_ref().unwrap());
    assert!(!shown.contains("hunter2") && shown.contains("***"), "{shown}");
    for wrong in [from_environment(&[("AMQP_URL", "hunter2://")]), from_file("[amqp]\nurl = ['hunter2']")] {
        let message = wrong.error();
        assert!(message.contains("amqp.url") && !message.contains("hunter2"), "{message}");
    }
}

#[test]
fn a_file_that_was_asked_for_must_exist() {
    let flags = Overrides::new(Some(PathBuf::from("no/such.toml")));
    assert_says(&Given { flags, ..Given::default() }.error(), &["no/such.toml"]);
}

/// Every key of `Config` has a row in the documentation with the right default and range, and there is no other row.
#[test]
fn the_documentation_is_complete() {
    let document = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md")).unwrap();
    let documented: BTreeMap<&str, Vec<&str>> = document
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| line.split('|').map(|cell| cell.trim().trim_matches('`')).collect())
        .map(|cells: Vec<&str>| (cells[1], cells))
        .collect();
    let mut keys: BTreeMap<String, Value> = Keys::of_default().unwrap().flat().into_iter().collect();
    for (key, cells) in &documented {
        let default = keys.remove(*key).unwrap_or_else(|| panic!("documented, but unknown: {key}"));
        assert_eq!(cells[2], text_of(&default), "the default of {key}");
        assert!(cells[4].len() > 5, "{key} says nothing");
        match RANGES.iter().find(|(ranged, ..)| ranged == key) {
            Some((_, least, most)) => assert_says(cells[3], &[&format!("{least} to {most}")]),
            None => assert!(default.to_num().is_none(), "{key} is a number without a range"),
        }
    }
    assert!(keys.is_empty(), "not documented: {keys:?}");
}

fn text_of(value: &Value) -> String {
    match (value.to_u128(), value.as_str()) {
        (Some(number), _) => number.to_string(),
        (None, Some(text)) => text.to_owned(),
        (None, None) => "none".to_owned(),
    }
}

#[test]
fn no_error_shows_what_stands_in_a_wrong_place() {
    for file in [
        "[database]\nurl = \"postgres://u:hidden@h/db\n",
        "database = \"postgres://u:hidden@h/db\"\n",
        "[database]\npool_size = \"hidden\"\n",
        "secret_key = \"hidden\"\n",
        "[log]\nformat = \"hidden\"\n",
    ] {
        let message = from_file(file).error();
        assert!(!message.contains("hidden"), "{message}");
        assert!(message.contains("drover.toml"), "{message}");
    }
}

#[test]
fn a_command_falls_back_to_its_own_value_only_when_nobody_set_one() {
    let quiet = || Overrides::default().fall_back_to("log.filter", "warn");
    let load = |given: Given| given.load().unwrap().log.filter;
    assert_eq!(load(Given { flags: quiet(), ..Given::default() }), "warn");
    assert_eq!(load(Given { flags: quiet(), ..from_file("[log]\nfilter = \"info\"\n") }), "info");
    assert_eq!(load(Given { flags: quiet().set("log.filter", Some("info")), ..Given::default() }), "info");
}

#[test]
fn what_kubernetes_says_of_a_service_of_our_name_is_no_configuration() {
    let given = from_environment(&[("DROVER_PORT", "tcp://10.0.0.1:8080"), ("DROVER_SERVICE_HOST", "10.0.0.1")]);
    assert!(given.load().is_ok());
}
