import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hbase.thirdparty.com.google.gson.JsonObject;

/** Looks into HBase's root directory with Hadoop's own client. Paths are relative to it. */
final class Files {
  private static final int READ_BYTES_MAX = 16 << 20;

  private final PeerClient client;

  Files(PeerClient client) {
    this.client = client;
  }

  void register() {
    client.add("files", this::files);
    client.add("readFile", this::readFile);
  }

  /** All below a folder, parents first: [{"path", "length", "folder"}]. */
  private Object files(JsonObject args) throws Exception {
    Path root = root();
    List<Object> entries = new ArrayList<>();
    list(root.getFileSystem(client.conf()), root, new Path(root, Json.string(args, "path")), entries);
    return entries;
  }

  private static void list(FileSystem fs, Path root, Path folder, List<Object> entries) throws Exception {
    for (FileStatus status : fs.listStatus(folder)) {
      String path = root.toUri().relativize(fs.makeQualified(status.getPath()).toUri()).getPath();
      entries.add(Json.object("path", path, "length", status.getLen(), "folder", status.isDirectory()));
      if (status.isDirectory()) {
        list(fs, root, status.getPath(), entries);
      }
    }
  }

  private Object readFile(JsonObject args) throws Exception {
    Path path = new Path(root(), Json.string(args, "path"));
    try (FSDataInputStream in = path.getFileSystem(client.conf()).open(path)) {
      return in.readNBytes(READ_BYTES_MAX);
    }
  }

  private Path root() throws Exception {
    Path root = new Path(client.conf().get("hbase.rootdir"));
    return root.getFileSystem(client.conf()).makeQualified(root);
  }
}
