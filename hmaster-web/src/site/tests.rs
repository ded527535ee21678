//! Every path, for a master that waits and for one that is active in a cluster in memory.

use std::sync::Arc;

use hmaster_core::assignment::RegionRecord;
use hmaster_core::progress::Progress;
use hmaster_core::role::{Role, RoleCell};
use hmaster_core::testing::{World, WorldConfig, run, table_schema};
use hmaster_types::{Clock, ManualClock, RegionInfo, RegionState, SeqNum, TableState};
use hyper::{Method, StatusCode};
use serde_json::Value;

use super::Site;
use crate::metrics::check;
use crate::reply::Reply;
use crate::testing::{FixedView, master, sources, sources_at};

const ALL: [&str; 15] = [
    "/master-status",
    "/servers.jsp",
    "/tablesDetailed.jsp",
    "/table.jsp?name=t",
    "/rits.jsp",
    "/procedures.jsp",
    "/dump",
    "/jmx",
    "/metrics",
    "/prometheus",
    "/conf",
    "/healthz",
    "/readyz",
    "/static/style.css",
    "/static/icon.svg",
];

async fn get(site: &Arc<Site>, path: &str) -> Reply {
    site.answer(&Method::GET, &path.parse().unwrap()).await
}

fn waiting(view: FixedView, keys: &[(&str, &str)]) -> Arc<Site> {
    Arc::new(Site::new(sources(Arc::default(), view, keys), 16010))
}

fn with_active(name: &str, info_port: u16) -> FixedView {
    FixedView { active: Some(master(name, info_port)), ..FixedView::default() }
}

#[tokio::test]
async fn a_backup_leads_to_the_active_master() {
    let site = waiting(with_active("other,16000,5", 16011), &[]);
    for path in &ALL[..7] {
        let reply = get(&site, path).await;
        assert_eq!(reply.status, StatusCode::FOUND, "{path}");
        assert_eq!(reply.location().unwrap(), format!("http://other:16011{path}"));
    }
    for path in &ALL[7..] {
        assert_eq!(get(&site, path).await.status, StatusCode::OK, "{path}");
    }
    let v6 = waiting(with_active("::1,16000,5", 16011), &[]);
    assert_eq!(get(&v6, "/").await.location(), Some("http://[::1]:16011/"));
}

#[tokio::test]
async fn a_backup_that_can_t_lead_anywhere_shows_itself() {
    let cases = [
        (FixedView::default(), &[][..], "No active master is known"),
        (with_active("other,16000,5", 0), &[], "which has no pages"),
        (with_active("me,16000,5", 16011), &[], "takes over"),
        (with_active("ME,17000,5", 16010), &[], "takes over"),
        (
            with_active("other,1,5", 2),
            &[("hbase.master.infoserver.redirect", "false")],
            "http://other:2/master-status",
        ),
    ];
    for (view, keys, says) in cases {
        let site = waiting(view, keys);
        let reply = get(&site, "/master-status").await;
        assert_eq!(reply.status, StatusCode::OK, "{says}");
        assert!(reply.body_text().contains(says), "{says}: {}", reply.body_text());
        assert_eq!(get(&site, "/rits.jsp").await.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(get(&site, "/").await.location(), Some("/master-status"));
    }
}

#[tokio::test]
async fn health_tells_role_and_stage() {
    let role = Arc::new(RoleCell::default());
    let view = with_active("other,1,5", 2);
    let site = Arc::new(Site::new(sources(role.clone(), view, &[]), 1));
    let json = |reply: &Reply| serde_json::from_str::<Value>(&reply.body_text()).unwrap();
    let ready = get(&site, "/readyz").await;
    assert_eq!((ready.status, &json(&ready)["role"]), (StatusCode::OK, &"backup".into()));
    assert_eq!(json(&ready)["active_master"], "other,1,5");
    assert_eq!(get(&waiting(FixedView::default(), &[]), "/readyz").await.status, 503);

    let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(5));
    let progress = Arc::new(Progress::new(clock));
    progress.begin("Open the master's store");
    role.set(Role::Starting(progress));
    let ready = get(&site, "/readyz").await;
    assert_eq!((ready.status.as_u16(), &json(&ready)["stage"]), (503, &"Open the master's store".into()));
    let page = get(&site, "/master-status").await.body_text();
    assert!(page.contains("Starting master") && page.contains("Open the master&#39;s store"), "{page}");

    role.set(Role::Stopping);
    assert_eq!(get(&site, "/readyz").await.status, 503);
    let alive = get(&site, "/healthz").await;
    assert_eq!((alive.status, &json(&alive)["uptime_ms"]), (StatusCode::OK, &60_000.into()));
}

#[tokio::test]
async fn bad_requests_have_answers() {
    let site = waiting(FixedView::default(), &[]);
    for path in ["/nope", "/../../etc/passwd", "/master-status/", "/%00", "/jmx%0d%0aX:1", "//", "/rs-status"]
    {
        assert_eq!(get(&site, path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS, Method::TRACE, Method::CONNECT]
    {
        let reply = site.answer(&method, &"/jmx".parse().unwrap()).await;
        assert_eq!(reply.status, StatusCode::METHOD_NOT_ALLOWED, "{method}");
    }
    assert_eq!(site.answer(&Method::HEAD, &"/jmx".parse().unwrap()).await.status, StatusCode::OK);
    assert_eq!(get(&site, "/conf?format=yaml").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(get(&site, "/jmx?qry=foo").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn secrets_are_not_shown() {
    let keys = [
        ("hbase.rpc.tls.keystore.password", "topsecret"),
        ("hbase.superuser", "topsecret"),
        ("a.<b>&\"c", "x<y>&\"z\u{1}"),
        ("hbase.tmp.dir", "/x"),
    ];
    let site = waiting(FixedView::default(), &keys);
    for path in ["/conf", "/conf?format=json", "/dump"] {
        let text = get(&site, path).await.body_text();
        assert!(!text.contains("topsecret") && text.contains("redacted"), "{path}");
    }
    let json: Value = serde_json::from_str(&get(&site, "/conf?format=json").await.body_text()).unwrap();
    let property = |key: &str| {
        let all = json["properties"].as_array().unwrap();
        all.iter().find(|property| property["key"] == key).cloned().unwrap()
    };
    assert_eq!(property("hbase.rootdir")["value"], "/x/hbase", "variables are replaced");
    assert_eq!(property("hbase.rootdir")["resource"], "hbase-default.xml");
    assert_eq!(property("hbase.tmp.dir")["isFinal"], false);
    let xml = get(&site, "/conf").await.body_text();
    assert!(
        xml.contains("<name>a.&lt;b&gt;&amp;&quot;c</name><value>x&lt;y&gt;&amp;&quot;z\u{FFFD}</value>"),
        "{xml}"
    );
}

/// A cluster with three region servers, a table whose names and keys are as bad as can be, and a region in transition.
async fn active() -> (World, Arc<Site>) {
    let world = World::start(WorldConfig::default()).await;
    let env = world.env();
    let table = "t".parse().unwrap();
    let mut schema = table_schema(&table, 1).to_builder();
    schema = schema.attribute("<script>".to_owned(), "alert(1)&\"'".to_owned());
    env.schemas.insert(schema.build());
    env.tables.load([(table.clone(), TableState::Enabled)]);
    for at in 0..250_u32 {
        let key =
            if at == 0 { Vec::new() } else { [b"<b>\"'&\x00\xff".as_slice(), &at.to_be_bytes()].concat() };
        let region = RegionInfo::builder(table.clone()).start_key(key).region_id(u64::from(at)).build();
        let mut record = RegionRecord::new(region, RegionState::Closed);
        record.open_seq_num = SeqNum(7);
        if at == 3 {
            record.state = RegionState::FailedOpen;
        }
        env.regions.load(record);
    }
    let role = world.active_master().unwrap().role.clone();
    let view = FixedView { active: None, backups: vec![master("backup,16000,9", 16012)] };
    let site = Arc::new(Site::new(sources_at(env.clock.clone(), role, view, &[]), 16010));
    (world, site)
}

#[test]
fn the_active_master_shows_everything() {
    run(async {
        let (_world, site) = active().await;
        for path in ALL {
            let reply = get(&site, path).await;
            assert_eq!(reply.status, StatusCode::OK, "{path}: {}", reply.body_text());
        }
        let page = get(&site, "/master-status").await.body_text();
        for part in [
            "http://backup:16012/master-status",
            "/table.jsp?name=t",
            "hbase:meta",
            "FAILED_OPEN",
            "Start-up",
        ] {
            assert!(page.contains(part), "{part}: {page}");
        }
        assert!(!page.contains("<b>"), "keys are escaped");
        let dump = get(&site, "/dump").await.body_text();
        for part in [
            "Servers:\n=====",
            "requestsPerSecond=",
            "Regions-in-transition:\n",
            "state=FAILED_OPEN",
            "Procedures:\n",
        ] {
            assert!(dump.contains(part), "{part}");
        }
    });
}

#[test]
fn pages_are_cut_and_escaped() {
    run(async {
        let (_world, site) = active().await;
        let page = get(&site, "/table.jsp?name=t&page=2&rows=10").await.body_text();
        assert!(page.contains("Page 2 of 25") && page.contains("page=3"), "{page}");
        assert_eq!(page.matches("CLOSED").count(), 10);
        assert!(!page.contains("<script>") && !page.contains("<b>"), "{page}");
        assert!(page.contains("&#60;script&#62;") && page.contains("\\x00\\xFF"), "{page}");
        let rits = get(&site, "/rits.jsp?filter=FAILED").await.body_text();
        assert_eq!(rits.matches(">FAILED_OPEN<").count(), 1, "{rits}");
        let none = get(&site, "/rits.jsp?filter=%3Cscript%3E%22").await.body_text();
        assert!(none.contains("value=\"&#60;script&#62;&#34;\"") && none.contains("None."), "{none}");
        let cases = [
            ("/table.jsp", 400),
            ("/table.jsp?name=", 400),
            ("/table.jsp?name=%FF", 400),
            ("/table.jsp?name=a%20b", 400),
            ("/table.jsp?name=nope", 404),
            ("/table.jsp?name=t&page=0", 400),
            ("/table.jsp?name=t&page=9999", 200),
            ("/rits.jsp?rows=100000", 400),
            ("/tablesDetailed.jsp?kind=x", 400),
            ("/tablesDetailed.jsp?kind=system", 200),
        ];
        for (path, status) in cases {
            assert_eq!(get(&site, path).await.status.as_u16(), status, "{path}");
        }
    });
}

#[test]
fn keys_can_be_hidden() {
    run(async {
        let mut config = WorldConfig::default();
        config.options.info_server.display_keys = false;
        let world = World::start(config).await;
        let env = world.env();
        let region = RegionInfo::builder("t".parse().unwrap()).start_key(b"hush".to_vec()).build();
        env.regions.load(RegionRecord::new(region, RegionState::FailedOpen));
        let role = world.active_master().unwrap().role.clone();
        let site = Arc::new(Site::new(sources(role, FixedView::default(), &[]), 1));
        for path in ["/master-status", "/rits.jsp", "/table.jsp?name=t", "/dump"] {
            let text = get(&site, path).await.body_text();
            assert!(!text.contains("hush"), "{path}");
        }
    });
}

#[test]
fn beans_have_java_s_names() {
    run(async {
        let (_world, site) = active().await;
        let json: Value = serde_json::from_str(&get(&site, "/jmx").await.body_text()).unwrap();
        let bean = |sub: &str| {
            let name = format!("Hadoop:service=HBase,name=Master,sub={sub}");
            let beans = json["beans"].as_array().unwrap();
            beans.iter().find(|bean| bean["name"] == *name).cloned().unwrap_or_else(|| panic!("{name}"))
        };
        let server = bean("Server");
        assert_eq!(server["numRegionServers"], 3);
        assert_eq!(server["tag.isActiveMaster"], "true");
        assert!(server["averageLoad"].is_f64() && server["masterActiveTime"].is_u64());
        for spelling in ["AssignmentManager", "AssignmentManger"] {
            assert_eq!(bean(spelling)["ritCount"], 1);
            assert!(bean(spelling)["AssignTime_99.9th_percentile"].is_u64());
        }
        let ipc = bean("IPC");
        assert_eq!(
            (&ipc["exceptions.callQueueTooBig"], &ipc["exceptions.otherExceptions"]),
            (&2.into(), &1.into())
        );
        assert_eq!(ipc["TotalCallTime_median"], 16);
        for sub in ["Balancer", "FileSystem", "Procedure", "Quotas", "Snapshots"] {
            bean(sub);
        }
    });
}

/// What `/jmx` of an active Java master 2.6.4 had, without counts of ranges that come and go: bean, attribute, type.
const JAVA_BEANS: &str = include_str!("../beans/java-2.6.4.txt");

#[test]
fn every_attribute_of_a_java_master_is_there_with_its_type() {
    run(async {
        let (_world, site) = active().await;
        let json: Value = serde_json::from_str(&get(&site, "/jmx").await.body_text()).unwrap();
        let mut differences = Vec::new();
        for line in JAVA_BEANS.lines() {
            let [sub, attribute, kind] = line.split(' ').collect::<Vec<_>>().try_into().unwrap();
            let name = format!("Hadoop:service=HBase,name=Master,sub={sub}");
            let bean = json["beans"].as_array().unwrap().iter().find(|bean| bean["name"] == *name);
            let own = match bean.and_then(|bean| bean.get(attribute)) {
                None => "missing",
                Some(Value::String(_)) => "text",
                Some(Value::Number(number)) if number.is_f64() => "fraction",
                Some(Value::Number(_)) => "integer",
                Some(_) => "something else",
            };
            if own != kind {
                differences.push(format!("{line}: {own}"));
            }
        }
        assert!(differences.is_empty(), "{differences:#?}");
    });
}

#[test]
fn metrics_are_prometheus_s_format() {
    run(async {
        let (_world, site) = active().await;
        let text = get(&site, "/metrics").await.body_text();
        let names = check::parse(&text);
        for name in [
            "hbase_master_assignment_manager_rit_count",
            "hbase_master_server_num_region_servers",
            "hbase_master_ipc_total_call_time_count",
            "hbase_master_procedures_submitted_total",
            "hbase_master_procedures_duration_seconds_bucket",
            "process_resident_memory_bytes",
        ] {
            assert!(names.iter().any(|own| own == name), "{name}: {text}");
        }
        assert!(text.contains("cluster_id=\"the-\\\"cluster\\\"\""), "{text}");
        assert!(!text.contains("holes"), "what isn't counted isn't there");
        let java = get(&site, "/prometheus").await.body_text();
        assert!(check::parse(&java).contains(&"assignment_manager_rit_count".to_owned()));
        let some = check::parse(&get(&site, "/prometheus?qry=rit_count").await.body_text());
        assert_eq!(some, ["assignment_manager_rit_count", "assignment_manager_rit_count_over_threshold"]);
    });
}
