package extmaster;

import java.io.File;
import java.io.IOException;
import java.lang.reflect.Method;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.hbase.ClusterMetrics;
import org.apache.hadoop.hbase.ClusterMetrics.Option;
import org.apache.hadoop.hbase.ClusterMetricsBuilder;
import org.apache.hadoop.hbase.HConstants;
import org.apache.hadoop.hbase.ServerName;
import org.apache.hadoop.hbase.TableDescriptors;
import org.apache.hadoop.hbase.TableName;
import org.apache.hadoop.hbase.client.Admin;
import org.apache.hadoop.hbase.client.BalanceRequest;
import org.apache.hadoop.hbase.client.BalanceResponse;
import org.apache.hadoop.hbase.client.ClusterConnection;
import org.apache.hadoop.hbase.client.Connection;
import org.apache.hadoop.hbase.client.ConnectionFactory;
import org.apache.hadoop.hbase.ipc.RpcClient;
import org.apache.hadoop.hbase.ipc.RpcClientFactory;
import org.apache.hadoop.hbase.master.HMaster;
import org.apache.hadoop.hbase.master.MasterFileSystem;
import org.apache.hadoop.hbase.master.MasterRpcServices;
import org.apache.hadoop.hbase.master.ServerManager;
import org.apache.hadoop.hbase.master.TableStateManager;
import org.apache.hadoop.hbase.master.assignment.AssignmentManager;
import org.apache.hadoop.hbase.security.User;
import org.apache.hadoop.hbase.util.CommonFSUtils;
import org.apache.hadoop.hbase.util.DNS;
import org.apache.hadoop.hbase.util.FSTableDescriptors;
import org.apache.hadoop.hbase.util.JVMClusterUtil;
import org.apache.hadoop.hbase.zookeeper.MasterAddressTracker;
import org.apache.hadoop.hbase.zookeeper.ZKClusterId;
import org.apache.hadoop.hbase.zookeeper.ZKWatcher;
import org.apache.hbase.thirdparty.com.google.protobuf.RpcController;
import org.apache.hbase.thirdparty.com.google.protobuf.ServiceException;
import org.apache.hadoop.hbase.shaded.protobuf.ProtobufUtil;
import org.apache.hadoop.hbase.shaded.protobuf.RequestConverter;
import org.apache.hadoop.hbase.shaded.protobuf.generated.MasterProtos;
import org.apache.hadoop.hbase.shaded.protobuf.generated.MasterProtos.MasterService;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One external master process, and the answers the tests get from what looks like its HMaster.
 * Everything it tells comes from outside the process: RPC, ZooKeeper, hbase:meta, the file system.
 */
public final class ExtMaster {
  private static final Logger LOG = LoggerFactory.getLogger(ExtMaster.class);
  public static volatile Object zkCluster;
  private static final AtomicInteger SEQ = new AtomicInteger();
  /** processes started, ready ones, and what the tests asked for in vain; for the runner. */
  static final AtomicInteger STARTED = new AtomicInteger();
  static final AtomicInteger READY = new AtomicInteger();
  static final Set<ExtMaster> LIVE = java.util.concurrent.ConcurrentHashMap.newKeySet();
  static final Set<String> VAIN = new ConcurrentSkipListSet<>();

  static void unreachable(String what) {
    VAIN.add(what);
  }

  // ------------------------------------------------------------------ hooks of the agent

  public static Object createThread(Configuration c, Class<?> k, int index) throws IOException {
    if (k != HMaster.class) {
      unreachable("class " + k.getName());
      throw new IOException("EXT-UNREACHABLE a test's own master class " + k.getName());
    }
    ExtMaster x = new ExtMaster(c);
    c.set(HConstants.MASTER_ADDRS_KEY, x.getServerName().getAddress().toString());
    HMaster m = Facade.make(HMaster.class, x);
    return new JVMClusterUtil.MasterThread(m, index);
  }

  /** true: the local file system is set up and startMiniDFSCluster is to return null. */
  public static boolean localFsInsteadOfDfs(Object util) throws Exception {
    if (Boolean.getBoolean("ext.hdfs")) {
      return false;
    }
    Method m = util.getClass().getMethod("getDataTestDir");
    for (Class<?> k = util.getClass(); k != null; k = k.getSuperclass()) {
      try {
        Method d = k.getDeclaredMethod("createDirsAndSetProperties");
        d.setAccessible(true);
        d.invoke(util);
        break;
      } catch (NoSuchMethodException e) {
        // further up
      }
    }
    Configuration conf = (Configuration) util.getClass().getMethod("getConfiguration").invoke(util);
    conf.set(HConstants.HBASE_DIR, "file://" + m.invoke(util));
    return true;
  }

  // ------------------------------------------------------------------ the process

  private final Configuration conf;
  private final String host;
  private final int port;
  private final long made = System.currentTimeMillis();
  private final int seq = SEQ.incrementAndGet();
  private volatile ServerName real;
  private volatile Process proc;
  private volatile boolean exited;
  private volatile boolean stopping;
  private volatile boolean ready;
  private ZKWatcher zkw;
  private RpcClient rpc;
  private Connection conn;

  ExtMaster(Configuration c) throws IOException {
    this.conf = c;
    String h = c.get("hbase.master.hostname");
    if (h == null || h.trim().isEmpty()) {
      h = DNS.getHostname(c, DNS.ServerType.MASTER);
    }
    this.host = h;
    int p = c.getInt(HConstants.MASTER_PORT, 0);
    if (p == 0) {
      try (ServerSocket s = new ServerSocket(0)) {
        p = s.getLocalPort();
      }
    }
    this.port = p;
    c.setIfUnset("hbase.master.start.timeout.localHBaseCluster",
      System.getProperty("ext.start.timeout", "120000"));
    c.setIfUnset("hbase.master.init.timeout.localHBaseCluster",
      System.getProperty("ext.init.timeout", "180000"));
  }

  /** body of the MasterThread: the life of the process. */
  public void run() {
    Thread hook = null;
    try {
      File dir = SiteFile.write(conf, host, port, seq);
      File log = new File(dir, "master.log");
      String cmd = System.getProperty("ext.master.cmd");
      if (cmd == null) {
        throw new IllegalStateException("-Dext.master.cmd is not set");
      }
      List<String> argv = new ArrayList<>();
      for (String a : cmd.split("\t")) { // not blanks: a path may have some
        argv.add(a.replace("CONF_DIR", dir.getPath()));
      }
      ProcessBuilder pb = new ProcessBuilder(argv).redirectErrorStream(true)
        .redirectOutput(ProcessBuilder.Redirect.appendTo(log));
      proc = pb.start();
      STARTED.incrementAndGet();
      LIVE.add(this);
      LOG.info("external master {} pid {} at {}:{} {}", seq, proc.pid(), host, port, argv);
      Process p = proc;
      if (stopping) {
        // a test stopped it before it was there
        p.destroyForcibly();
      }
      hook = new Thread(p::destroyForcibly);
      Runtime.getRuntime().addShutdownHook(hook);
      int rc = proc.waitFor();
      LOG.info("external master {} ended rc {}{}", seq, rc, stopping ? "" : " UNASKED");
    } catch (Exception e) {
      LOG.error("external master {}", seq, e);
      if (proc != null) {
        proc.destroyForcibly();
      }
    } finally {
      exited = true;
      LIVE.remove(this);
      closeSession();
      closeAll();
      if (hook != null) {
        try {
          Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
          // going down
        }
      }
    }
  }

  private synchronized void closeAll() {
    try {
      if (conn != null) {
        conn.close();
      }
      if (rpc != null) {
        rpc.close();
      }
      if (zkw != null) {
        zkw.close();
      }
    } catch (Exception e) {
      LOG.warn("close", e);
    }
    conn = null;
    rpc = null;
    zkw = null;
  }

  /** as an in-process master's abort would: its ZooKeeper session goes now, not after its timeout. */
  private void closeSession() {
    try {
      if (real == null || zkCluster == null) {
        return;
      }
      ZKWatcher w = zk();
      for (String node : new String[] { w.getZNodePaths().masterAddressZNode,
        w.getZNodePaths().backupMasterAddressesZNode + "/" + real }) {
        org.apache.zookeeper.data.Stat st = new org.apache.zookeeper.data.Stat();
        byte[] data;
        try {
          data = w.getRecoverableZooKeeper().getData(node, false, st);
        } catch (org.apache.zookeeper.KeeperException.NoNodeException e) {
          continue;
        }
        ServerName sn = ProtobufUtil.parseServerNameFrom(data);
        if (!sn.equals(real) || st.getEphemeralOwner() == 0) {
          continue;
        }
        java.lang.reflect.Field f = zkCluster.getClass().getDeclaredField("zooKeeperServers");
        f.setAccessible(true);
        for (Object z : (List<?>) f.get(zkCluster)) {
          Object server = z;
          if (!(z instanceof org.apache.zookeeper.server.ZooKeeperServer)) {
            continue;
          }
          ((org.apache.zookeeper.server.ZooKeeperServer) server)
            .closeSession(st.getEphemeralOwner());
        }
      }
    } catch (Throwable t) {
      LOG.info("no session to close: {}", t.toString());
    }
  }

  private void stopSoon(long graceMs) {
    stopping = true;
    Process p = proc;
    if (p == null) {
      return;
    }
    Thread t = new Thread(() -> {
      try {
        if (!p.waitFor(graceMs, TimeUnit.MILLISECONDS)) {
          LOG.warn("external master {} still there after {} ms: SIGTERM", seq, graceMs);
          p.destroy();
          if (!p.waitFor(5, TimeUnit.SECONDS)) {
            LOG.warn("external master {}: SIGKILL", seq);
            p.destroyForcibly();
          }
        }
      } catch (InterruptedException e) {
        p.destroyForcibly();
      }
    }, "stop-ext-master-" + seq);
    t.setDaemon(true);
    t.start();
  }

  static void killAll() {
    for (ExtMaster m : LIVE) {
      Process p = m.proc;
      if (p != null) {
        p.destroyForcibly();
      }
    }
  }

  // ------------------------------------------------------------------ ways in

  private synchronized ZKWatcher zk() throws IOException {
    if (zkw == null) {
      zkw = new ZKWatcher(conf, "ext-master-" + seq, null, false);
    }
    return zkw;
  }

  synchronized MasterService.BlockingInterface stub() throws IOException {
    return stub(60000);
  }

  synchronized MasterService.BlockingInterface stub(int timeoutMs) throws IOException {
    if (exited) {
      throw new IOException("external master " + seq + " has ended");
    }
    if (rpc == null) {
      rpc = RpcClientFactory.createClient(conf, HConstants.CLUSTER_ID_DEFAULT);
    }
    return MasterService.newBlockingStub(rpc.createBlockingRpcChannel(
      ServerName.valueOf(host, port, made), User.getCurrent(), timeoutMs));
  }

  synchronized Connection conn() throws IOException {
    if (conn == null || conn.isClosed()) {
      conn = ConnectionFactory.createConnection(new Configuration(conf));
    }
    return conn;
  }

  Admin admin() throws IOException {
    return conn().getAdmin();
  }

  // ------------------------------------------------------------------ HMaster

  public ServerName getServerName() {
    if (real == null && proc != null && !exited) {
      isActiveMaster();
      if (real == null) {
        try {
          for (ServerName sn : MasterAddressTracker.getBackupMastersAndRenewWatch(zk())) {
            note(sn);
          }
        } catch (Exception e) {
          // not there yet
        }
      }
    }
    return real != null ? real : ServerName.valueOf(host, port, made);
  }

  /** the wait for a master that is no more need not last. */
  private void failIfEnded() {
    if (exited && !stopping && !ready && LIVE.isEmpty()) {
      throw new IllegalStateException(
        "EXT-ENDED external master " + seq + " ended before it was ready");
    }
  }

  private boolean note(ServerName sn) {
    if (sn != null && sn.getPort() == port && sn.getHostname().equalsIgnoreCase(host)) {
      real = sn;
      return true;
    }
    return false;
  }

  public boolean isActiveMaster() {
    failIfEnded();
    if (proc == null || exited) {
      return false;
    }
    try {
      return note(MasterAddressTracker.getMasterAddress(zk()));
    } catch (Exception e) {
      return false;
    }
  }

  public boolean isInitialized() {
    failIfEnded();
    if (proc == null || exited) {
      return false;
    }
    if (!ready) {
      try {
        MasterService.BlockingInterface s = stub(5000);
        s.listNamespaces(null, MasterProtos.ListNamespacesRequest.getDefaultInstance());
        ready = true;
        READY.incrementAndGet();
        LOG.info("external master {} ready {} ms after its making", seq,
          System.currentTimeMillis() - made);
      } catch (Exception e) {
        return false;
      }
    }
    return ready;
  }

  public boolean isOnline() {
    return isInitialized();
  }

  public boolean isStopped() {
    return stopping || exited;
  }

  public boolean isAborted() {
    return exited && !stopping;
  }

  public boolean isStopping() {
    return stopping;
  }

  public boolean isInMaintenanceMode() {
    return conf.getBoolean("hbase.master.maintenance_mode", false);
  }

  public Configuration getConfiguration() {
    return conf;
  }

  public String toString() {
    return "external master " + getServerName();
  }

  public void shutdown() throws IOException {
    try {
      if (proc != null && !exited) {
        stub(10000).shutdown(null, MasterProtos.ShutdownRequest.getDefaultInstance());
      }
      stopSoon(Long.getLong("ext.stop.grace", 20000));
    } catch (ServiceException e) {
      LOG.warn("external master {}: no shutdown by RPC", seq, e);
      stopSoon(0);
    }
  }

  public void stopMaster() throws IOException {
    stop("");
  }

  public void stop(String why) {
    try {
      if (proc != null && !exited) {
        stub(10000).stopMaster(null, MasterProtos.StopMasterRequest.getDefaultInstance());
      }
      stopSoon(10000);
    } catch (Exception e) {
      stopSoon(0);
    }
  }

  public void abort(String why, Throwable t) {
    stopping = true;
    Process p = proc;
    if (p != null) {
      getServerName();
      p.destroyForcibly();
    }
  }

  public void abort(String why) {
    abort(why, null);
  }

  public ClusterMetrics getClusterMetrics() throws IOException {
    return getClusterMetrics(EnumSet.allOf(Option.class));
  }

  public ClusterMetrics getClusterMetrics(EnumSet<Option> o) throws IOException {
    try {
      return ClusterMetricsBuilder.toClusterMetrics(stub()
        .getClusterStatus(null, RequestConverter.buildGetClusterStatusRequest(o))
        .getClusterStatus());
    } catch (ServiceException e) {
      throw ProtobufUtil.getRemoteException(e);
    }
  }

  public ClusterMetrics getClusterMetricsWithoutCoprocessor() throws IOException {
    return getClusterMetrics();
  }

  public ClusterMetrics getClusterMetricsWithoutCoprocessor(EnumSet<Option> o)
    throws IOException {
    return getClusterMetrics(o);
  }

  public Optional<ServerName> getActiveMaster() {
    try {
      return Optional.ofNullable(MasterAddressTracker.getMasterAddress(zk()));
    } catch (Exception e) {
      return Optional.empty();
    }
  }

  public List<ServerName> getBackupMasters() throws IOException {
    return getClusterMetrics(EnumSet.of(Option.BACKUP_MASTERS)).getBackupMasterNames();
  }

  public Collection<ServerName> getLiveRegionServers() throws IOException {
    return getClusterMetrics(EnumSet.of(Option.LIVE_SERVERS)).getLiveServerMetrics().keySet();
  }

  public String getClusterId() throws Exception {
    return ZKClusterId.readClusterIdZNode(zk());
  }

  public Connection getConnection() throws IOException {
    return conn();
  }

  public ClusterConnection getClusterConnection() throws IOException {
    return (ClusterConnection) conn();
  }

  // a master carries no regions
  public int getNumberOfOnlineRegions() {
    return 0;
  }

  public org.apache.hadoop.hbase.regionserver.HRegion getOnlineRegion(byte[] name) {
    return null;
  }

  public List<org.apache.hadoop.hbase.regionserver.HRegion> getRegions() {
    return Collections.emptyList();
  }

  public List<org.apache.hadoop.hbase.regionserver.HRegion> getRegions(TableName tn) {
    return Collections.emptyList();
  }

  public BalanceResponse balance() throws IOException {
    return admin().balance(BalanceRequest.defaultInstance());
  }

  public BalanceResponse balance(BalanceRequest r) throws IOException {
    return admin().balance(r);
  }

  public boolean balanceSwitch(boolean b) throws IOException {
    return admin().balancerSwitch(b, true);
  }

  public boolean isBalancerOn() throws Exception {
    return admin().isBalancerEnabled();
  }

  public boolean isNormalizerOn() throws Exception {
    return admin().isNormalizerEnabled();
  }

  public void setCatalogJanitorEnabled(boolean b) throws Exception {
    admin().catalogJanitorSwitch(b);
  }

  public boolean isCatalogJanitorEnabled() throws Exception {
    return admin().isCatalogJanitorEnabled();
  }

  public void move(byte[] encoded, byte[] dest) throws IOException {
    if (dest == null || dest.length == 0) {
      admin().move(encoded);
    } else {
      admin().move(encoded, ServerName.valueOf(new String(dest, StandardCharsets.UTF_8)));
    }
  }

  public long getLastMajorCompactionTimestamp(TableName t) throws IOException {
    return admin().getLastMajorCompactionTimestamp(t);
  }

  public long getLastMajorCompactionTimestampForRegion(byte[] r) throws IOException {
    return admin().getLastMajorCompactionTimestampForRegion(r);
  }

  public List<String> listNamespaces() throws IOException {
    return Arrays.asList(admin().listNamespaces());
  }

  public List<TableName> listTableNamesByNamespace(String ns) throws IOException {
    return Arrays.asList(admin().listTableNamesByNamespace(ns));
  }

  public boolean waitForMetaOnline() {
    return isInitialized();
  }

  public long getMasterActiveTime() throws IOException {
    return 0L;
  }

  public TableDescriptors getTableDescriptors() throws IOException {
    return new FSTableDescriptors(CommonFSUtils.getCurrentFileSystem(conf),
      CommonFSUtils.getRootDir(conf), true, false);
  }

  public FileSystem getFileSystem() throws IOException {
    return CommonFSUtils.getRootDir(conf).getFileSystem(conf);
  }

  public MasterFileSystem getMasterFileSystem() {
    return Facade.make(MasterFileSystem.class, new Views.Fs(conf));
  }

  public AssignmentManager getAssignmentManager() {
    return Facade.make(AssignmentManager.class, new Views.Am(this));
  }

  public ServerManager getServerManager() {
    return Facade.make(ServerManager.class, new Views.Sm(this));
  }

  public TableStateManager getTableStateManager() {
    return Facade.make(TableStateManager.class, new Views.Tsm(this));
  }

  /** a watcher of our own; not for expiring the master's session. */
  public ZKWatcher getZooKeeper() throws IOException {
    for (StackTraceElement e : new Throwable().getStackTrace()) {
      if (e.getMethodName().startsWith("expire")) {
        unreachable("HMaster.getZooKeeper to expire its session");
        throw new UnsupportedOperationException("EXT-UNREACHABLE expire the master's session");
      }
    }
    return zk();
  }

  public org.apache.hadoop.hbase.master.janitor.CatalogJanitor getCatalogJanitor() {
    return Facade.make(org.apache.hadoop.hbase.master.janitor.CatalogJanitor.class,
      new Views.Cj(this));
  }

  public org.apache.hadoop.hbase.master.cleaner.HFileCleaner getHFileCleaner() {
    return Facade.make(org.apache.hadoop.hbase.master.cleaner.HFileCleaner.class,
      new Views.Hc(this));
  }

  public org.apache.hadoop.hbase.quotas.MasterQuotaManager getMasterQuotaManager()
    throws IOException {
    if (!conf.getBoolean("hbase.quota.enabled", false)) {
      return null;
    }
    return Facade.make(org.apache.hadoop.hbase.quotas.MasterQuotaManager.class,
      new Views.Qm(this));
  }

  public MasterRpcServices getMasterRpcServices() {
    return Facade.make(MasterRpcServices.class, new Rpc());
  }

  /** MasterRpcServices: what is in MasterService goes over the wire. */
  public final class Rpc implements Facade.Fallback {
    @Override
    public Object[] fallback(Method m, Object[] args) throws Throwable {
      try {
        Method x =
          MasterService.BlockingInterface.class.getMethod(m.getName(), m.getParameterTypes());
        Object[] a = args.clone();
        if (a[0] != null && !(a[0] instanceof RpcController)) {
          return null;
        }
        return new Object[] { x.invoke(stub(), a) };
      } catch (NoSuchMethodException e) {
        return null;
      }
    }
  }
}
