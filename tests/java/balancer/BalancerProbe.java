// The balancer of HBase 2.6.4 with its members in reach, hence in its package. It counts its own steps.
package org.apache.hadoop.hbase.master.balancer;

import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.CRC32;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.hbase.HDFSBlocksDistribution;
import org.apache.hadoop.hbase.ServerName;
import org.apache.hadoop.hbase.TableName;
import org.apache.hadoop.hbase.client.RegionInfo;
import org.apache.hadoop.hbase.master.MasterServices;
import org.apache.hadoop.hbase.master.RackManager;
import org.apache.hadoop.hbase.util.Pair;

final class BalancerProbe extends StochasticLoadBalancer {
  BalancerClusterState cluster;
  long walkNs;
  long steps;
  boolean verdict;
  double[] before;

  /** Servers named like "s00012-r03.example.org" are on rack /r03; others on one unknown rack. */
  static final class HostnameRacks extends RackManager {
    private static final Pattern RACK = Pattern.compile("-r(\\d+)(\\.|$)");

    @Override
    public String getRack(ServerName server) {
      Matcher m = RACK.matcher(server.getHostname());
      return m.find() ? "/r" + m.group(1) : UNKNOWN_RACK;
    }

    @Override
    public List<String> getRack(List<ServerName> servers) {
      List<String> racks = new ArrayList<>();
      for (ServerName s : servers) {
        racks.add(getRack(s));
      }
      return racks;
    }
  }

  /** Blocks by the check sum of a region's name: all of them on one host, 0.6 and 0.3 of them on two more. */
  static final class NamedBlocks extends RegionLocationFinder {
    private final String[] hosts;

    NamedBlocks(ServerName[] servers) {
      hosts = Arrays.stream(servers).map(ServerName::getHostname).toArray(String[]::new);
    }

    @Override
    public HDFSBlocksDistribution getBlockDistribution(RegionInfo region) {
      CRC32 crc = new CRC32();
      crc.update(region.getRegionName());
      long sum = crc.getValue();
      int first = (int) (sum % hosts.length);
      HDFSBlocksDistribution blocks = new HDFSBlocksDistribution();
      blocks.addHostsAndBlockWeight(new String[] { hosts[first] }, 40);
      int second = (first + 3) % hosts.length;
      int third = (first + 5) % hosts.length;
      blocks.addHostsAndBlockWeight(new String[] { hosts[first], hosts[second] }, 30);
      blocks.addHostsAndBlockWeight(new String[] { hosts[first], hosts[second], hosts[third] }, 30);
      return blocks;
    }

    @Override
    protected List<ServerName> getTopBlockLocations(RegionInfo region) {
      return new ArrayList<>();
    }
  }

  @Override
  void initCosts(BalancerClusterState c) {
    cluster = c;
    super.initCosts(c);
  }

  @Override
  boolean needsBalance(TableName t, BalancerClusterState c) {
    before = costs();
    verdict = super.needsBalance(t, c);
    walkNs = System.nanoTime();
    return verdict;
  }

  @Override
  Pair<CandidateGenerator, BalanceAction> nextAction(BalancerClusterState c) {
    steps++;
    return super.nextAction(c);
  }

  double[] costs() {
    double[] r = new double[costFunctions.size()];
    for (int i = 0; i < r.length; i++) {
      CostFunction f = costFunctions.get(i);
      r[i] = f.isNeeded() ? f.cost() : 0;
    }
    return r;
  }

  void conf(Configuration c) {
    MasterServices ms = (MasterServices) Proxy.newProxyInstance(
      BalancerOracle.class.getClassLoader(), new Class<?>[] { MasterServices.class },
      (proxy, method, args) -> {
        if (method.getName().equals("getConfiguration")) {
          return c;
        }
        Class<?> rt = method.getReturnType();
        if (rt == boolean.class) {
          return false;
        }
        if (rt.isPrimitive() && rt != void.class) {
          return rt == long.class ? (Object) 0L : (Object) 0;
        }
        return null;
      });
    setMasterServices(ms);
    initialize();
    setRackManager(new HostnameRacks());
  }

  RackManager racks() {
    return rackManager;
  }
}
