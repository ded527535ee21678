import java.util.Map;
import java.util.TreeMap;

import org.apache.hadoop.hbase.NamespaceDescriptor;
import org.apache.hadoop.hbase.ServerName;
import org.apache.hadoop.hbase.TableExistsException;
import org.apache.hadoop.hbase.TableName;
import org.apache.hadoop.hbase.client.ColumnFamilyDescriptorBuilder;
import org.apache.hadoop.hbase.client.RegionInfo;
import org.apache.hadoop.hbase.client.RegionInfoBuilder;
import org.apache.hadoop.hbase.client.RegionReplicaUtil;
import org.apache.hadoop.hbase.client.TableDescriptor;
import org.apache.hadoop.hbase.client.TableDescriptorBuilder;
import org.apache.hadoop.hbase.client.TableState;
import org.apache.hadoop.hbase.master.RegionState;
import org.apache.hadoop.hbase.shaded.protobuf.ProtobufUtil;
import org.apache.hadoop.hbase.shaded.protobuf.RequestConverter;
import org.apache.hadoop.hbase.shaded.protobuf.generated.HBaseProtos.RegionSpecifier.RegionSpecifierType;
import org.apache.hadoop.hbase.util.Bytes;
import org.apache.hadoop.hbase.util.ForeignExceptionUtil;
import org.apache.hbase.thirdparty.com.google.protobuf.Message;

/** Prints nouns as Java's conversions write them: a name, a space, and the message in hex. */
public final class WriteNouns {
  private static final Map<String, Message> NOUNS = new TreeMap<>();

  public static void main(String[] args) {
    TableName table = TableName.valueOf("ns", "t");
    NOUNS.put("table", ProtobufUtil.toProtoTableName(table));
    NOUNS.put("table.default", ProtobufUtil.toProtoTableName(TableName.valueOf("t")));
    NOUNS.put("server", ProtobufUtil.toServerName(ServerName.valueOf("Host-1", 16020, 1700000000123L)));
    regions(table);
    schemas(table);
    states(table);
    NamespaceDescriptor namespace = NamespaceDescriptor.create("ns")
        .addConfiguration("hbase.namespace.quota.maxtables", "5").addConfiguration("a", "b").build();
    NOUNS.put("namespace", ProtobufUtil.toProtoNamespaceDescriptor(namespace));
    Exception error = new TableExistsException("ns:t");
    error.setStackTrace(new StackTraceElement[0]);
    NOUNS.put("exception", ForeignExceptionUtil.toProtoForeignException("host,1,2", error));
    NOUNS.forEach((name, message) -> System.out.println(name + " " + Bytes.toHex(message.toByteArray())));
  }

  private static void regions(TableName table) {
    RegionInfo region = RegionInfoBuilder.newBuilder(table).setStartKey(Bytes.toBytes("a"))
        .setEndKey(Bytes.toBytes("b")).setRegionId(1700000000000L).setOffline(true).setSplit(true).build();
    NOUNS.put("region", ProtobufUtil.toRegionInfo(region));
    NOUNS.put("region.replica", ProtobufUtil.toRegionInfo(RegionReplicaUtil.getRegionInfoForReplica(region, 3)));
    NOUNS.put("region.whole", ProtobufUtil.toRegionInfo(RegionInfoBuilder.newBuilder(table).setRegionId(7).build()));
    NOUNS.put("region.meta", ProtobufUtil.toRegionInfo(RegionInfoBuilder.FIRST_META_REGIONINFO));
    NOUNS.put("specifier.name",
        RequestConverter.buildRegionSpecifier(RegionSpecifierType.REGION_NAME, region.getRegionName()));
    NOUNS.put("specifier.encoded", RequestConverter
        .buildRegionSpecifier(RegionSpecifierType.ENCODED_REGION_NAME, region.getEncodedNameAsBytes()));
  }

  private static void schemas(TableName table) {
    TableDescriptor schema = TableDescriptorBuilder.newBuilder(table).setRegionReplication(2)
        .setValue("key", "value")
        .setColumnFamily(ColumnFamilyDescriptorBuilder.newBuilder(Bytes.toBytes("f")).setMaxVersions(3)
            .setConfiguration("hbase.hstore.compaction.min", "5").build())
        .setColumnFamily(ColumnFamilyDescriptorBuilder.of("g")).build();
    NOUNS.put("schema", ProtobufUtil.toTableSchema(schema));
  }

  private static void states(TableName table) {
    for (RegionState.State state : RegionState.State.values()) {
      NOUNS.put("state.region." + state, new RegionState(RegionInfoBuilder.FIRST_META_REGIONINFO, state, 5, null).convert());
    }
    for (TableState.State state : TableState.State.values()) {
      NOUNS.put("state.table." + state, new TableState(table, state).convert());
    }
  }
}
