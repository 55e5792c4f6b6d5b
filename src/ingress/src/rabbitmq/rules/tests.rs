use proptest::prelude::*;

use super::*;

const PERMISSIONS: [&str; 3] = ["configure", "read", "write"];

fn uuid(text: &str) -> DeviceUuid {
    DeviceUuid::parse(text).unwrap()
}

/// Short names, so that one is often the beginning or the end of the other.
fn names() -> impl Strategy<Value = (DeviceUuid, DeviceUuid)> {
    let name = prop_oneof!["[a-b]{1,3}", "[a-b]{0,2}qos[01]", "[A-Za-z0-9_-]{1,64}"].prop_map(|text| uuid(&text));
    (name.clone(), name).prop_filter("two devices", |(a, b)| a != b)
}

/// What a hostile client may call itself, or ask for: noise, wildcards, patterns, and pieces of either device's names.
fn hostile(a: &DeviceUuid, b: &DeviceUuid) -> impl Strategy<Value = String> + use<> {
    let pieces = [
        a.as_str(),
        b.as_str(),
        ".*",
        "#",
        "+",
        "*",
        ".",
        "/",
        "^",
        "$",
        "|",
        "(",
        ")",
        "%2e",
        "\0",
        " ",
        "devices",
        "commands",
        "reports",
        ".report",
        "devices.",
        ".commands",
        ".reports",
        "mqtt-subscription-",
        "mqtt-will-",
        "qos0",
        "qos1",
        "qos2",
        "amq.topic",
        "",
    ]
    .map(str::to_owned);
    let assembled = prop::collection::vec(prop::sample::select(pieces.to_vec()), 0..7).prop_map(|words| words.concat());
    prop_oneof![3 => assembled, 1 => ".*"]
}

/// Two devices and anything that a client may say.
fn cases() -> impl Strategy<Value = (DeviceUuid, DeviceUuid, String)> {
    names().prop_flat_map(|(a, b)| {
        let said = hostile(&a, &b);
        (Just(a), Just(b), said)
    })
}

/// Whether a routing key matches a binding key, as AMQP's topic exchange has it.
fn matches(pattern: &[&str], key: &[&str]) -> bool {
    match (pattern, key) {
        ([], []) => true,
        (["#", rest @ ..], _) => (0..=key.len()).any(|skipped| matches(rest, &key[skipped..])),
        (["*", rest @ ..], [_, key @ ..]) => matches(rest, key),
        ([word, rest @ ..], [first, key @ ..]) => word == first && matches(rest, key),
        _ => false,
    }
}

fn words(key: &str) -> Vec<&str> {
    key.split('.').collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_client_id_is_two_devices((a, b, said) in cases()) {
        prop_assert!(!(may_connect(&a, Some(&said)) && may_connect(&b, Some(&said))), "{said:?}");
    }

    #[test]
    fn no_queue_is_two_devices((a, b, said) in cases()) {
        for permission in PERMISSIONS {
            let (by_a, by_b) = (may_use(&a, "queue", &said, permission), may_use(&b, "queue", &said, permission));
            prop_assert!(!(by_a && by_b), "{said:?}");
        }
    }

    /// A client id may leave a durable session behind, so there is no third.
    #[test]
    fn a_device_is_two_clients((a, _b, said) in cases()) {
        let is_own = said == a.as_str() || said == format!("{a}.report");
        prop_assert_eq!(may_connect(&a, Some(&said)), is_own, "{:?}", said);
    }

    /// Whatever it calls itself: a client that is named as the device has its queues, and no other client of anybody's has
    /// any.
    #[test]
    fn a_client_that_may_connect_has_its_queues_for_itself((a, b, said) in cases()) {
        let queues = [format!("mqtt-subscription-{said}qos0"), format!("mqtt-subscription-{said}qos1")];
        for (queue, permission) in queues.iter().flat_map(|queue| PERMISSIONS.map(|permission| (queue, permission))) {
            prop_assert_eq!(may_use(&a, "queue", queue, permission), said == a.as_str(), "{}", queue);
            prop_assert!(!(may_connect(&a, Some(&said)) && may_use(&b, "queue", queue, permission)), "{}", queue);
        }
        for permission in PERMISSIONS {
            let will = format!("mqtt-will-{said}");
            prop_assert!(!may_use(&a, "queue", &will, permission));
        }
    }

    #[test]
    fn nobody_reads_anothers_commands_or_anybodys_reports((a, b, said) in cases()) {
        if topic_access(&a, "read", &said).is_some() {
            for key in [device_topic(b.as_str()), format!("devices.{b}.reports"), format!("devices.{a}.reports")] {
                prop_assert!(!matches(&words(&said), &words(&key)), "{said:?} matches {key}");
            }
            prop_assert!(matches(&words(&said), &words(&device_topic(a.as_str()))), "its own");
        }
    }

    #[test]
    fn nobody_writes_anothers_reports_or_anybodys_commands((a, b, said) in cases()) {
        if topic_access(&a, "write", &said).is_some() {
            prop_assert_eq!(&said, &format!("devices.{a}.reports"));
            prop_assert_eq!(topic_access(&b, "write", &said), None);
        }
    }

    #[test]
    fn nothing_but_own_queues_and_the_topic_exchange((a, _b, said) in cases(), resource in "queue|exchange|topic|[a-z]{0,5}") {
        for permission in ["configure", "read", "write", "", "READ", "delete"] {
            if may_use(&a, &resource, &said, permission) {
                let is_exchange = resource == "exchange" && said == EXCHANGE && permission != "configure";
                let is_queue = resource == "queue" && said.starts_with("mqtt-subscription-") && said.contains(a.as_str());
                prop_assert!(is_exchange || is_queue, "{resource} {said:?} {permission}");
            }
        }
    }
}

#[test]
fn a_device_may_do_its_work() {
    let device = uuid("d-1");
    for client_id in ["d-1", "d-1.report"] {
        assert!(may_connect(&device, Some(client_id)), "{client_id}");
    }
    for (resource, name, permission) in [
        ("exchange", "amq.topic", "read"),
        ("exchange", "amq.topic", "write"),
        ("queue", "mqtt-subscription-d-1qos0", "configure"),
        ("queue", "mqtt-subscription-d-1qos1", "read"),
        ("queue", "mqtt-subscription-d-1qos1", "write"),
    ] {
        assert!(may_use(&device, resource, name, permission), "{name}");
    }
    assert_eq!(topic_access(&device, "read", "devices.d-1.commands"), Some(TopicAccess::Commands));
    assert_eq!(topic_access(&device, "write", "devices.d-1.reports"), Some(TopicAccess::Reports));
}

#[test]
fn and_nothing_else() {
    let device = uuid("d1");
    assert!(!may_connect(&device, None), "AMQP, the management API");
    for client_id in [
        "",
        ".*",
        "#",
        "d2",
        "d2.report",
        "D1",
        "d1.",
        ".report",
        "d1.x",
        "d1.report.x",
        "d1.*",
        "d1/x",
        "d12",
        "d1.report\0",
    ] {
        assert!(!may_connect(&device, Some(client_id)), "{client_id:?}");
    }
    for (resource, name, permission) in [
        ("exchange", "amq.topic", "configure"),
        ("exchange", "", "write"),
        ("exchange", "amq.default", "write"),
        ("exchange", "drover.v1", "write"),
        ("queue", "drover.v1.reports", "read"),
        ("queue", "mqtt-subscription-d2qos1", "read"),
        ("queue", "mqtt-subscription-d1qos2", "read"),
        ("queue", "mqtt-subscription-d1", "read"),
        ("queue", "mqtt-subscription-d1.reportqos1", "configure"),
        ("queue", "mqtt-will-d1", "configure"),
        ("queue", "mqtt-will-d2", "read"),
        ("queue", "amq.gen-x", "configure"),
        ("topic", "amq.topic", "read"),
    ] {
        assert!(!may_use(&device, resource, name, permission), "{name}");
    }
    for key in
        ["#", "*", "devices.#", "devices.*.commands", "devices.d2.commands", "devices.d1.*", "devices.d1.reports"]
    {
        assert_eq!(topic_access(&device, "read", key), None, "{key}");
    }
    for key in ["devices.d1.commands", "devices.d2.reports", "devices..reports", "devices.d1.reports.x", "d1"] {
        assert_eq!(topic_access(&device, "write", key), None, "{key}");
    }
}
