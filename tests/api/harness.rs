//! A world of its own for every test: a database cloned from a template, a clock that only the test moves, and the
//! whole API in this process.
//!
//! The cluster is started once per run, on a RAM disk where there is one, without fsync, and is thrown away with the
//! process. With `DATABASE_URL` the databases are made on that server instead and dropped after each test.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use actix_web::http::Method;
use actix_web::http::header::HeaderMap;
use actix_web::middleware::from_fn;
use actix_web::test::TestRequest;
use actix_web::web;
use chrono::{DateTime, TimeZone, Utc};
use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use futures_util::future::LocalBoxFuture;
use liandan::cli::boot::{self, Purpose};
use liandan::contract;
use liandan::identity::Uscc;
use liandan::platform::app::{App, Limits};
use liandan::platform::call::Call;
use liandan::platform::clock::Clock;
use liandan::platform::cluster::{Cluster, ClusterOptions};
use liandan::platform::db::DbSettings;
use liandan::platform::lang::Lang;
use liandan::platform::respond::respond;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// The division of the first district: 金州区, all of which 金普新区 runs.
pub const JINZHOU: &str = "210213";
/// The password of everybody whom a test registers.
pub const PASSWORD: &str = "correct horse battery";
/// A clone of the template costs about 8 MB; a small RAM disk (containers have 64 MB) would fill up.
const RAM_DISK_KIB_MIN: u64 = 4_000_000;

/// Monday 2026-11-23, 10:00 in Dalian.
pub fn start() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 23, 2, 0, 0).unwrap()
}

/// The server under all tests of this process.
struct Server {
    cluster: Option<Cluster>,
    /// `DATABASE_URL`, where that names the server.
    named: Option<String>,
    template: String,
    /// Keys of the worlds, and the cluster's data.
    folder: PathBuf,
    /// Waits at the end of a pipe that is open as long as this process lives.
    _janitor: Child,
}

impl Server {
    fn url(&self, database: &str) -> String {
        match (&self.cluster, &self.named) {
            (Some(cluster), _) => cluster.url(database),
            (None, named) => with_database(named.as_deref().unwrap_or_default(), database),
        }
    }

    fn start() -> Self {
        let named = std::env::var("DATABASE_URL").ok().filter(|url| !url.is_empty());
        let folder = ram_disk().unwrap_or_else(std::env::temp_dir).join(format!("liandan-test-{}", std::process::id()));
        let cluster = named.is_none().then(|| {
            let options = ClusterOptions { data: folder.clone(), durable: false, max_connections: 400, shared_buffers: "64MB".into() };
            Cluster::start(&options).unwrap_or_else(|error| panic!("{error}"))
        });
        std::fs::create_dir_all(&folder).unwrap();
        let _janitor = clean_up_after(&folder);
        let server = Self { cluster, named, template: format!("liandan_template_{}", schema_hash()), folder, _janitor };
        server.block_on(server.make_template());
        server
    }

    /// Runs on a thread of its own: the caller may stand inside a runtime already.
    fn block_on<T: Send>(&self, work: impl Future<Output = T> + Send) -> T {
        std::thread::scope(|scope| {
            let thread = scope.spawn(|| tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work));
            thread.join().unwrap()
        })
    }

    /// Made under another name and renamed, so that an interrupted run leaves no half template behind.
    async fn make_template(&self) {
        let mut admin = AsyncPgConnection::establish(&self.url("postgres")).await.unwrap();
        // Two test programs on one server take turns; the lock ends with the connection.
        admin.batch_execute("SELECT pg_advisory_lock(7310001)").await.unwrap();
        let exists =
            format!("DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_database WHERE datname = '{}') THEN RAISE 'absent'; END IF; END $$", self.template);
        if admin.batch_execute(&exists).await.is_ok() {
            return;
        }
        let fresh = format!("{}_new", self.template);
        admin.batch_execute(&format!("DROP DATABASE IF EXISTS {fresh} WITH (FORCE)")).await.unwrap();
        admin.batch_execute(&format!("CREATE DATABASE {fresh}")).await.unwrap();
        let url = self.url(&fresh);
        let settings = DbSettings { connections: 1, wait: Duration::from_secs(20) };
        let app = boot::open(&url, &self.folder.join("template"), Purpose::Test, Clock::scripted(start()), Limits::default(), &settings).await;
        drop(app.unwrap());
        let mut owner = AsyncPgConnection::establish(&url).await.unwrap();
        // Every clone becomes an installation of its own, with its own keys.
        owner.batch_execute("DELETE FROM signing_keys; DELETE FROM installation").await.unwrap();
        drop(owner);
        admin.batch_execute(&format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{fresh}'")).await.unwrap();
        admin.batch_execute(&format!("ALTER DATABASE {fresh} RENAME TO {}", self.template)).await.unwrap();
    }
}

fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(Server::start)
}

/// Everything that decides what the template holds.
fn schema_hash() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    let mut folders = vec![root.join("migrations"), root.join("src/catalogue")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    let mut hash = Sha256::new();
    for file in files {
        hash.update(file.to_string_lossy().as_bytes());
        hash.update(std::fs::read(&file).unwrap());
    }
    hex::encode(&hash.finalize()[..8])
}

fn ram_disk() -> Option<PathBuf> {
    let output = Command::new("df").args(["-k", "-P", "/dev/shm"]).stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let free_kib: u64 = text.lines().nth(1)?.split_whitespace().nth(3)?.parse().ok()?;
    (free_kib >= RAM_DISK_KIB_MIN).then(|| PathBuf::from("/dev/shm"))
}

/// Removes the folder when this process has ended, however it ended: nothing of ours runs then, so a shell waits at
/// the end of a pipe. It also stops a server that the kernel did not (no `setpriv` there).
fn clean_up_after(folder: &Path) -> Child {
    let script = "cat; n=0; while [ -e \"$0/postgres/postmaster.pid\" ] && [ $n -lt 100 ]; do \
         kill -INT \"$(head -n 1 \"$0/postgres/postmaster.pid\")\" 2>/dev/null; sleep 0.1; n=$((n+1)); done; rm -rf \"$0\"";
    let mut janitor = Command::new("/bin/sh");
    janitor.args(["-c", script]).arg(folder).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    // A group of its own: Ctrl-C in the terminal ends the tests, and then the janitor has its work to do.
    std::os::unix::process::CommandExt::process_group(&mut janitor, 0);
    janitor.spawn().unwrap()
}

fn with_database(url: &str, database: &str) -> String {
    let (base, query) = url.split_once('?').map_or((url, String::new()), |(base, query)| (base, format!("?{query}")));
    let start = base.find("://").map_or(0, |at| at + 3);
    let authority = base[start..].find('/').map_or(base, |at| &base[..start + at]);
    format!("{authority}/{database}{query}")
}

/// Who sends a request.
pub enum Caller<'a> {
    /// Without a credential.
    Nobody,
    /// With a token or key as it is.
    Token(&'a str),
    /// Logged in, again where the clock has passed the token's life.
    Person(&'a Person),
}
impl From<()> for Caller<'_> {
    fn from((): ()) -> Self {
        Self::Nobody
    }
}
impl<'a> From<&'a str> for Caller<'a> {
    fn from(token: &'a str) -> Self {
        Self::Token(token)
    }
}
impl<'a> From<&'a String> for Caller<'a> {
    fn from(token: &'a String) -> Self {
        Self::Token(token)
    }
}
impl<'a> From<&'a Person> for Caller<'a> {
    fn from(person: &'a Person) -> Self {
        Self::Person(person)
    }
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// The body; null where it is not JSON.
    pub json: Value,
    /// The body as sent.
    pub bytes: Vec<u8>,
}

impl Answer {
    /// A header as text, empty where it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The answer of an act or a look-up that had to succeed.
    #[track_caller]
    pub fn ok(self) -> Value {
        assert!(self.status < 300, "{} {}", self.status, self.json);
        self.json
    }

    /// A refusal: status and code as expected, complete as RFC 9457 and our contract want it.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Value {
        assert_eq!((self.status, self.json["type"].as_str()), (status, Some(format!("/problems/{code}").as_str())), "{}", self.json);
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(self.json["status"], status);
        for member in ["title", "detail", "request_id"] {
            assert!(self.json[member].as_str().is_some_and(|text| !text.is_empty()), "{member} in {}", self.json);
        }
        assert!(self.json["errors"].is_array() && self.json["legal"].is_array(), "{}", self.json);
        assert_eq!(self.header("x-request-id"), self.json["request_id"]);
        self.json
    }
}

/// Somebody with an account.
#[derive(Debug)]
pub struct Person {
    /// Log-in name.
    pub login: String,
    /// Password.
    pub password: String,
    /// User.
    pub user: Uuid,
    /// Membership.
    pub membership: Uuid,
    token: RefCell<(String, DateTime<Utc>)>,
}

/// A unit with its people.
#[derive(Debug)]
pub struct Party {
    /// Id.
    pub id: Uuid,
    /// 统一社会信用代码.
    pub uscc: String,
    /// Unit administrator, clerk and signatory (an authority's: administrator, viewer, inspector and manager).
    pub admin: Person,
    /// The others, by role.
    pub people: BTreeMap<&'static str, Person>,
}

impl Party {
    /// Somebody of this unit with a role.
    #[track_caller]
    pub fn who(&self, role: &str) -> &Person {
        self.people.get(role).unwrap_or_else(|| panic!("nobody is {role} here"))
    }
}

type Service = Rc<dyn Fn(TestRequest) -> LocalBoxFuture<'static, Answer>>;

/// One test's installation.
pub struct World {
    /// The process state, for what cannot be seen from outside.
    pub app: Arc<App>,
    /// The clock; it stands still until it is moved.
    pub clock: Clock,
    /// Owner's address of the database.
    pub url: String,
    database: String,
    service: Service,
    count: Cell<u32>,
    platform: RefCell<Option<Rc<Person>>>,
    officers: RefCell<BTreeMap<String, Rc<Party>>>,
}

impl Drop for World {
    fn drop(&mut self) {
        drop_named(&self.database);
    }
}

impl World {
    /// A new installation with nothing in it but catalogues, without limits of rate.
    pub async fn new() -> Self {
        Self::with_limits(|_| {}).await
    }

    /// As [`World::new`], with limits of the test's choice.
    pub async fn with_limits(change: impl FnOnce(&mut Limits)) -> Self {
        Self::build(false, change).await
    }

    /// As [`World::new`], where the national system gives the numbers.
    pub async fn national() -> Self {
        Self::build(true, |_| {}).await
    }

    async fn build(is_national: bool, change: impl FnOnce(&mut Limits)) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let server = server();
        let database = format!("liandan_test_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let mut admin = AsyncPgConnection::establish(&server.url("postgres")).await.unwrap();
        admin.batch_execute(&format!("CREATE DATABASE {database} TEMPLATE {}", server.template)).await.unwrap();
        drop(admin);
        let url = server.url(&database);
        if is_national {
            let mut owner = AsyncPgConnection::establish(&url).await.unwrap();
            owner
                .batch_execute("INSERT INTO installation (number_mode, purpose, created_at) VALUES ('national', 'test', '2026-11-23')")
                .await
                .unwrap();
        }
        let clock = Clock::scripted(start());
        // Cheap hashes: a hundred users of honest cost would take seconds.
        let mut limits = Limits {
            hash_memory_kib: 8,
            hash_passes: 1,
            hashes_at_once: 4,
            requests_per_minute: 0,
            logins_per_minute: 0,
            looks_per_minute: 0,
            ..Limits::default()
        };
        change(&mut limits);
        let settings = DbSettings { connections: 4, wait: Duration::from_secs(20) };
        let data = server.folder.join(&database);
        let app = boot::open_migrated(&url, &data, Purpose::Test, clock.clone(), limits, &settings).await.unwrap();
        let shared = web::Data::from(app.clone());
        let routes = actix_web::App::new().app_data(shared).configure(contract::mount).wrap(from_fn(respond));
        let service = Rc::new(actix_web::test::init_service(routes).await);
        let service: Service = Rc::new(move |request| {
            let service = service.clone();
            Box::pin(async move {
                let response = actix_web::test::call_service(&*service, request.to_request()).await;
                let (status, headers) = (response.status().as_u16(), response.headers().clone());
                let bytes = actix_web::test::read_body(response).await.to_vec();
                let json = serde_json::from_slice(&bytes).unwrap_or_default();
                Answer { status, headers, json, bytes }
            })
        });
        Self { app, clock, url, database, service, count: Cell::new(0), platform: RefCell::default(), officers: RefCell::default() }
    }

    /// A number that this world has not used yet.
    pub fn next(&self) -> u32 {
        self.count.set(self.count.get() + 1);
        self.count.get()
    }

    /// A USCC with a right check digit that nobody here has.
    pub fn uscc(&self) -> String {
        Uscc::from_stem(&format!("91210213MA{:07}", self.next())).unwrap().to_string()
    }

    /// A connection as the owner of the database, for what the application may not do.
    pub async fn owner(&self) -> AsyncPgConnection {
        AsyncPgConnection::establish(&self.url).await.unwrap()
    }

    /// Sends a request as it stands.
    pub async fn send(&self, request: TestRequest) -> Answer {
        (self.service)(request.peer_addr(SocketAddr::from(([192, 0, 2, 1], 50_000)))).await
    }

    /// A request with a caller's credential, to which a test adds what it needs.
    pub async fn request<'a>(&self, method: Method, caller: impl Into<Caller<'a>>, path: &str) -> TestRequest {
        let request = TestRequest::with_uri(path).method(method);
        let token = match caller.into() {
            Caller::Nobody => return request,
            Caller::Token(token) => token.to_owned(),
            Caller::Person(person) => self.token(person).await,
        };
        request.insert_header(("Authorization", format!("Bearer {token}")))
    }

    /// Reads.
    pub async fn get<'a>(&self, caller: impl Into<Caller<'a>>, path: &str) -> Answer {
        let request = self.request(Method::GET, caller, path).await;
        self.send(request).await
    }

    /// Acts, with a new idempotency key.
    pub async fn post<'a>(&self, caller: impl Into<Caller<'a>>, path: &str, body: Value) -> Answer {
        self.act(caller, path, None, &format!("key-{}", self.next()), body).await
    }

    /// Acts on a thing whose version was seen, with a new idempotency key.
    pub async fn post_seen<'a>(&self, caller: impl Into<Caller<'a>>, path: &str, version: i64, body: Value) -> Answer {
        self.act(caller, path, Some(version), &format!("key-{}", self.next()), body).await
    }

    /// Acts, all headers chosen.
    pub async fn act<'a>(&self, caller: impl Into<Caller<'a>>, path: &str, seen: Option<i64>, key: &str, body: Value) -> Answer {
        let mut request = self.request(Method::POST, caller, path).await.insert_header(("Idempotency-Key", key)).set_json(body);
        if let Some(version) = seen {
            request = request.insert_header(("If-Match", format!("\"{version}\"")));
        }
        self.send(request).await
    }

    /// Runs every job until nothing is left to do.
    pub async fn run_jobs(&self) {
        for _ in 0..1_000 {
            if boot::run_jobs_once(&self.app).await.unwrap() == 0 {
                return;
            }
        }
        panic!("the jobs find no end");
    }

    /// How many events there are: what "nothing was written" means.
    pub async fn events(&self) -> i64 {
        self.number("SELECT count(*) AS n FROM events").await
    }

    /// One number by SQL, as the owner; the column is called `n`.
    pub async fn number(&self, statement: &str) -> i64 {
        #[derive(diesel::QueryableByName)]
        struct Row {
            #[diesel(sql_type = diesel::sql_types::BigInt)]
            n: i64,
        }
        let rows: Vec<Row> = diesel_async::RunQueryDsl::load(diesel::sql_query(statement), &mut self.owner().await).await.unwrap();
        rows.first().unwrap().n
    }

    /// Logs in; the whole answer.
    pub async fn log_in(&self, login: &str, password: &str) -> Answer {
        self.send(TestRequest::post().uri("/api/v1/sessions").set_json(json!({ "login": login, "password": password }))).await
    }

    /// A person's access token, renewed where the clock has passed its life.
    pub async fn token(&self, person: &Person) -> String {
        let now = self.clock.now();
        let (token, issued_at) = person.token.borrow().clone();
        if issued_at <= now && now < issued_at + liandan::identity::token::ACCESS_LIFE {
            return token;
        }
        let session = self.log_in(&person.login, &person.password).await.ok();
        let token = text(&session["access_token"]);
        *person.token.borrow_mut() = (token.clone(), now);
        token
    }

    /// A call that no request made, for acts without a route.
    pub fn call(&self, key: &str) -> Call {
        Call {
            lang: Lang::ZhCn,
            request_id: self.clock.new_id(),
            now: self.clock.now(),
            check: false,
            key: key.to_owned(),
            seen: None,
            fingerprint: [0; 32],
            app: self.app.clone(),
        }
    }

    async fn person(&self, login: &str, password: &str) -> Person {
        let session = self.log_in(login, password).await.ok();
        Person {
            login: login.to_owned(),
            password: password.to_owned(),
            user: id(&session["user_id"]),
            membership: id(&session["membership_id"]),
            token: RefCell::new((text(&session["access_token"]), self.clock.now())),
        }
    }

    /// Somebody whose first password another made: he takes one of his own.
    async fn newcomer(&self, login: &str, first: &str) -> Person {
        let person = self.person(login, first).await;
        let own = format!("{first}!");
        self.post(&person, "/api/v1/me/change_secret", json!({ "current_password": first, "password": own })).await.ok();
        Person { password: own, ..person }
    }

    /// The platform's administrator, made on first need.
    pub async fn platform_admin(&self) -> Rc<Person> {
        if let Some(person) = self.platform.borrow().clone() {
            return person;
        }
        let call = self.call("first-admin");
        let uscc = self.uscc().parse().unwrap();
        liandan::identity::acts::create_first_admin(&call, uscc, "平台运营方", "platform", PASSWORD).await.unwrap();
        let person = Rc::new(self.person("platform", PASSWORD).await);
        *self.platform.borrow_mut() = Some(person.clone());
        person
    }

    /// The authority of a division with its first officer, made on first need.
    pub async fn authority(&self, division: &str) -> Rc<Party> {
        if let Some(party) = self.officers.borrow().get(division).cloned() {
            return party;
        }
        let (uscc, login) = (self.uscc(), format!("officer_{division}"));
        let body = json!({
            "unit": unit_body(&uscc, &format!("{division}生态环境分局"), division),
            "divisions": [division], "person": { "login": login, "name": "王科长" },
        });
        let answer = self.post(&*self.platform_admin().await, "/api/v1/authorities", body).await.ok();
        let admin = self.newcomer(&login, answer["secret"]["password"].as_str().unwrap()).await;
        let party = Rc::new(Party { id: id(&answer["done"][0]["subject_id"]), uscc, admin, people: BTreeMap::new() });
        self.officers.borrow_mut().insert(division.to_owned(), party.clone());
        party
    }

    /// A registered and verified enterprise, with one person for each further role.
    pub async fn unit(&self, name: &str, division: &str, roles: &[&'static str]) -> Party {
        let mut party = self.unverified_unit(name, division).await;
        let officer = self.authority(division).await;
        self.post_seen(&officer.admin, &format!("/api/v1/units/{}/verify", party.id), 1, json!({})).await.ok();
        for role in roles {
            let person = self.add_person(&party, &[role]).await;
            party.people.insert(role, person);
        }
        party
    }

    /// A registered enterprise that no officer has seen yet.
    pub async fn unverified_unit(&self, name: &str, division: &str) -> Party {
        let (uscc, login) = (self.uscc(), format!("admin_{}", self.next()));
        let answer = self.post((), "/api/v1/registrations", registration(&uscc, name, division, &login)).await.ok();
        let admin = self.person(&login, PASSWORD).await;
        Party { id: id(&answer["done"][0]["subject_id"]), uscc, admin, people: BTreeMap::new() }
    }

    /// One more person of a unit.
    pub async fn add_person(&self, party: &Party, roles: &[&str]) -> Person {
        let login = format!("person_{}", self.next());
        let body = json!({ "person": { "login": login, "name": "李四" }, "roles": roles });
        let answer = self.post(&party.admin, "/api/v1/users", body).await.ok();
        self.newcomer(&login, answer["secret"]["password"].as_str().unwrap()).await
    }
}

/// An empty database, for commands that begin at nothing.
pub struct Bare {
    /// Owner's address.
    pub url: String,
    database: String,
}

impl Bare {
    /// Makes one; `name` is this test's own.
    pub async fn new(name: &str) -> Self {
        let database = format!("liandan_bare_{}_{name}", std::process::id());
        let mut admin = AsyncPgConnection::establish(&server().url("postgres")).await.unwrap();
        admin.batch_execute(&format!("CREATE DATABASE {database}")).await.unwrap();
        Self { url: server().url(&database), database }
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        drop_named(&self.database);
    }
}

/// On a server of somebody else's nothing is left behind; ours is thrown away as a whole.
fn drop_named(database: &str) {
    if server().named.is_some() {
        let statement = format!("DROP DATABASE {database} WITH (FORCE)");
        server().block_on(async move {
            let mut admin = AsyncPgConnection::establish(&server().url("postgres")).await.unwrap();
            admin.batch_execute(&statement).await.unwrap();
        });
    }
}

/// The body of a registration.
pub fn registration(uscc: &str, name: &str, division: &str, login: &str) -> Value {
    json!({
        "unit": unit_body(uscc, name, division), "person": { "login": login, "name": "张三", "phone": "13800000000" }, "password": PASSWORD,
    })
}

/// The body of a unit.
pub fn unit_body(uscc: &str, name: &str, division: &str) -> Value {
    json!({ "uscc": uscc, "name": name, "division": division, "address": "大连市金州区五一路 1 号", "contact_phone": "0411-87000000" })
}

/// An id out of an answer.
#[track_caller]
pub fn id(value: &Value) -> Uuid {
    value.as_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("no id: {value}"))
}

/// A text out of an answer.
#[track_caller]
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}
