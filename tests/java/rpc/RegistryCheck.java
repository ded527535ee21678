package org.apache.hadoop.hbase.client;

import java.util.concurrent.TimeUnit;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.hbase.HBaseConfiguration;
import org.apache.hadoop.hbase.HRegionLocation;
import org.apache.hadoop.hbase.security.User;

/** Java's registries that go by RPC, against one server. Argument: its port. */
public final class RegistryCheck {
  private RegistryCheck() {
  }

  public static void main(String[] args) throws Exception {
    for (String registry : new String[] { "RpcConnectionRegistry", "MasterRegistry" }) {
      Configuration conf = HBaseConfiguration.create();
      conf.set("hbase.client.registry.impl", "org.apache.hadoop.hbase.client." + registry);
      conf.set("hbase.client.bootstrap.servers", "127.0.0.1:" + args[0]);
      conf.set("hbase.masters", "127.0.0.1:" + args[0]);
      try (ConnectionRegistry asked = ConnectionRegistryFactory.getRegistry(conf, User.getCurrent())) {
        System.out.println(registry + " cluster " + asked.getClusterId().get(30, TimeUnit.SECONDS));
        System.out.println(registry + " master " + asked.getActiveMaster().get(30, TimeUnit.SECONDS));
        for (HRegionLocation at : asked.getMetaRegionLocations().get(30, TimeUnit.SECONDS).getRegionLocations()) {
          System.out.println(registry + " meta " + at.getRegion().getRegionNameAsString() + " " + at.getServerName());
        }
      }
    }
    System.out.println("done");
    System.out.flush();
    System.exit(0);
  }
}
