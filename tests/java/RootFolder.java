import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.ChecksumException;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocatedFileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RemoteIterator;
import org.apache.hadoop.hbase.ClusterId;
import org.apache.hadoop.hbase.HBaseConfiguration;
import org.apache.hadoop.hbase.ServerName;
import org.apache.hadoop.hbase.TableDescriptors;
import org.apache.hadoop.hbase.TableName;
import org.apache.hadoop.hbase.backup.HFileArchiver;
import org.apache.hadoop.hbase.client.ColumnFamilyDescriptorBuilder;
import org.apache.hadoop.hbase.client.RegionInfo;
import org.apache.hadoop.hbase.client.RegionInfoBuilder;
import org.apache.hadoop.hbase.client.TableDescriptor;
import org.apache.hadoop.hbase.client.TableDescriptorBuilder;
import org.apache.hadoop.hbase.regionserver.HRegionFileSystem;
import org.apache.hadoop.hbase.util.Bytes;
import org.apache.hadoop.hbase.util.CommonFSUtils;
import org.apache.hadoop.hbase.util.FSTableDescriptors;
import org.apache.hadoop.hbase.util.FSUtils;
import org.apache.hadoop.hbase.wal.AbstractFSWALProvider;
import org.apache.hadoop.hbase.wal.WALSplitUtil;

/**
 * Reads and writes a root folder as Java masters and region servers do, and prints lines of words separated by tabs.
 *
 * <p>The root folder is the configuration's. Commands: {@code write}, {@code read}, {@code archive TABLE ENCODED},
 * {@code put FILE...}, {@code cat FOLDER}.
 */
public final class RootFolder {
  private final Configuration conf = HBaseConfiguration.create();
  private final Path root = CommonFSUtils.getRootDir(conf);
  private final FileSystem fs = root.getFileSystem(conf);

  private RootFolder() throws IOException {}

  public static void main(String[] args) throws Exception {
    RootFolder folder = new RootFolder();
    switch (args[0]) {
      case "write":
        folder.write();
        break;
      case "read":
        folder.read();
        break;
      case "archive":
        folder.archive(TableName.valueOf(args[1]), args[2]);
        break;
      case "put":
        for (int i = 1; i < args.length; i++) {
          folder.put(new Path(folder.root, args[i]), args[i] + " of Java");
        }
        break;
      case "cat":
        folder.cat(new Path(folder.root, args[1]));
        break;
      default:
        throw new IllegalArgumentException(args[0]);
    }
  }

  /** A root folder with a version, an id, hbase:meta's schema, a table whose schema was changed once, and WALs. */
  private void write() throws Exception {
    fs.mkdirs(root);
    FSUtils.setVersion(fs, root);
    FSUtils.setClusterId(fs, root, new ClusterId("0a1b2c3d-0000-4000-8000-000000000000"), 0);
    FSTableDescriptors.tryUpdateMetaTableDescriptor(conf);
    TableName table = TableName.valueOf("ns:java");
    TableDescriptors descriptors = new FSTableDescriptors(fs, root);
    TableDescriptorBuilder builder = TableDescriptorBuilder.newBuilder(table)
        .setColumnFamily(ColumnFamilyDescriptorBuilder.of("f")).setValue("key", "first");
    descriptors.update(builder.build());
    builder.setColumnFamily(ColumnFamilyDescriptorBuilder.newBuilder(Bytes.toBytes("g")).setMaxVersions(7)
        .setConfiguration("hbase.hstore.compaction.min", "5").build());
    builder.setValue("key", "second").setRegionReplication(2);
    descriptors.update(builder.build());
    byte[][] keys = {new byte[0], {0, (byte) 0xff, ','}, Bytes.toBytes("m"), new byte[0]};
    for (int i = 0; i + 1 < keys.length; i++) {
      RegionInfo region = RegionInfoBuilder.newBuilder(table).setStartKey(keys[i]).setEndKey(keys[i + 1])
          .setRegionId(1700000000000L).build();
      HRegionFileSystem.createRegionOnFileSystem(conf, fs, CommonFSUtils.getTableDir(root, table), region);
      Path walRegion = CommonFSUtils.getWALRegionDir(conf, table, region.getEncodedName());
      WALSplitUtil.writeRegionSequenceIdFile(fs, walRegion, 70 + i);
      WALSplitUtil.writeRegionSequenceIdFile(fs, walRegion, 80 + i);
    }
    ServerName server = ServerName.valueOf("host.example", 16020, 1700000000001L);
    put(new Path(new Path(root, AbstractFSWALProvider.getWALDirectoryName(server.toString())),
        "host.example%2C16020%2C1700000000001.1700000000002"), "edits");
  }

  private void read() throws Exception {
    FSUtils.checkVersion(fs, root, true);
    print("version", FSUtils.getVersion(fs, root));
    print("id", FSUtils.getClusterId(fs, root).toString());
    for (TableDescriptor table : new FSTableDescriptors(fs, root, true, false).getAll().values()) {
      print("table", table.getTableName().getNameAsString(), Bytes.toHex(TableDescriptorBuilder.toByteArray(table)));
      Path tableDir = CommonFSUtils.getTableDir(root, table.getTableName());
      for (Path regionDir : FSUtils.getRegionDirs(fs, tableDir)) {
        RegionInfo region = HRegionFileSystem.loadRegionInfoFileContent(fs, regionDir);
        long sequenceId = WALSplitUtil.getMaxRegionSequenceId(conf, region, () -> fs, () -> fs);
        print("region", table.getTableName().getNameAsString(), regionDir.getName(), region.getRegionNameAsString(),
            Bytes.toHex(RegionInfo.toByteArray(region)), Long.toString(sequenceId),
            Boolean.toString(WALSplitUtil.hasRecoveredEdits(conf, region)));
      }
    }
    FileStatus[] servers = fs.listStatus(new Path(root, "WALs"));
    for (FileStatus server : servers) {
      print("wals", server.getPath().getName(),
          AbstractFSWALProvider.getServerNameFromWALDirectoryName(server.getPath()).toString());
    }
    // Read to the end, so that all checksums are verified.
    for (RemoteIterator<LocatedFileStatus> files = fs.listFiles(root, true); files.hasNext();) {
      content(files.next().getPath());
    }
  }

  private void archive(TableName table, String encoded) throws Exception {
    Path tableDir = CommonFSUtils.getTableDir(root, table);
    HFileArchiver.archiveRegion(conf, fs, root, tableDir, new Path(tableDir, encoded));
  }

  private void put(Path file, String text) throws IOException {
    try (FSDataOutputStream out = fs.create(file)) {
      out.write(text.getBytes(StandardCharsets.UTF_8));
    }
  }

  private void cat(Path folder) throws IOException {
    List<Path> files = new ArrayList<>();
    for (FileStatus file : fs.listStatus(folder)) {
      if (file.isFile()) {
        files.add(file.getPath());
      }
    }
    Collections.sort(files);
    for (Path file : files) {
      try {
        print("file", file.getName(), new String(content(file), StandardCharsets.UTF_8));
      } catch (ChecksumException e) {
        print("corrupt", file.getName());
      }
    }
  }

  private byte[] content(Path file) throws IOException {
    byte[] content = new byte[(int) fs.getFileStatus(file).getLen()];
    try (FSDataInputStream in = fs.open(file)) {
      in.readFully(content);
    }
    return content;
  }

  private static void print(String... words) {
    System.out.println(String.join("\t", words));
  }
}
