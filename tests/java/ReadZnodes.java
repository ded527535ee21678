import java.util.List;
import java.util.TreeSet;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.hbase.Abortable;
import org.apache.hadoop.hbase.HBaseConfiguration;
import org.apache.hadoop.hbase.NamespaceDescriptor;
import org.apache.hadoop.hbase.ServerName;
import org.apache.hadoop.hbase.ZKNamespaceManager;
import org.apache.hadoop.hbase.master.RegionState;
import org.apache.hadoop.hbase.shaded.protobuf.ProtobufUtil;
import org.apache.hadoop.hbase.shaded.protobuf.generated.HBaseProtos;
import org.apache.hadoop.hbase.shaded.protobuf.generated.ZooKeeperProtos;
import org.apache.hadoop.hbase.zookeeper.ClusterStatusTracker;
import org.apache.hadoop.hbase.zookeeper.MasterAddressTracker;
import org.apache.hadoop.hbase.zookeeper.MetaTableLocator;
import org.apache.hadoop.hbase.zookeeper.ZKClusterId;
import org.apache.hadoop.hbase.zookeeper.ZKUtil;
import org.apache.hadoop.hbase.zookeeper.ZKWatcher;
import org.apache.hadoop.hbase.zookeeper.ZNodePaths;

/** Prints what HBase's own classes read in ZooKeeper, a line of name and value for each thing. */
public final class ReadZnodes {
  private static final class Dying implements Abortable {
    @Override
    public void abort(String why, Throwable error) {
      throw new IllegalStateException(why, error);
    }

    @Override
    public boolean isAborted() {
      return false;
    }
  }

  public static void main(String[] args) throws Exception {
    Configuration conf = HBaseConfiguration.create();
    try (ZKWatcher zk = new ZKWatcher(conf, "reader", new Dying())) {
      ZNodePaths paths = zk.getZNodePaths();
      print("base", new TreeSet<>(ZKUtil.listChildrenNoWatch(zk, paths.baseZNode)));
      MasterAddressTracker masters = new MasterAddressTracker(zk, new Dying());
      masters.start();
      print("master", masters.getMasterAddress());
      print("master.info", masters.getMasterInfoPort());
      for (ServerName backup : masters.getBackupMasters()) {
        print("backup", backup + " " + masters.getBackupMasterInfoPort(backup));
      }
      for (String node : new TreeSet<>(zk.getMetaReplicaNodes())) {
        int replica = paths.getMetaReplicaIdFromZNode(node);
        RegionState state = replica == 0
          ? MetaTableLocator.getMetaRegionState(zk)
          : MetaTableLocator.getMetaRegionState(zk, replica);
        print("meta." + replica, state.getState() + " " + state.getServerName());
      }
      print("id", ZKClusterId.readClusterIdZNode(zk));
      ClusterStatusTracker status = new ClusterStatusTracker(zk, new Dying());
      status.start();
      print("up", status.isClusterUp());
      byte[] up = ZKUtil.getData(zk, paths.clusterStateZNode);
      int magic = ProtobufUtil.lengthOfPBMagic();
      print("up.since",
        ZooKeeperProtos.ClusterUp.parser().parseFrom(up, magic, up.length - magic).getStartDate());
      for (String table : new TreeSet<>(ZKUtil.listChildrenNoWatch(zk, paths.tableZNode))) {
        byte[] data = ZKUtil.getData(zk, ZNodePaths.joinZNode(paths.tableZNode, table));
        print("table." + table,
          ZooKeeperProtos.DeprecatedTableState.parser().parseFrom(data, magic, data.length - magic).getState());
      }
      for (String server : new TreeSet<>(ZKUtil.listChildrenNoWatch(zk, paths.rsZNode))) {
        byte[] data = ZKUtil.getData(zk, paths.getRsPath(ServerName.valueOf(server)));
        HBaseProtos.RegionServerInfo info =
          HBaseProtos.RegionServerInfo.parser().parseFrom(data, magic, data.length - magic);
        print("rs", server + " " + info.getInfoPort());
      }
      print("draining", new TreeSet<>(ZKUtil.listChildrenNoWatch(zk, paths.drainingZNode)));
      ZKNamespaceManager namespaces = new ZKNamespaceManager(zk);
      namespaces.start();
      for (NamespaceDescriptor namespace : namespaces.list()) {
        print("namespace." + namespace.getName(), namespace.getConfiguration());
      }
      print("acl", zk.getRecoverableZooKeeper().getAcl(paths.masterAddressZNode,
        new org.apache.zookeeper.data.Stat()));
    }
  }

  private static void print(String name, Object value) {
    System.out.println(name + " " + value);
  }
}
