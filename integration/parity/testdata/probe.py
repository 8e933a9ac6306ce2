import hashlib, os, sys
for name, value in os.environ.items():
    print("env %s: %s" % (name, value.replace("\n", "\x01")))
    if name.startswith("SEC"):
        print("sha256 %s: %s" % (name, hashlib.sha256(value.encode()).hexdigest()[:12]))
for line in open("/proc/self/status"):
    name = line.split(":")[0]
    if name in ("Uid", "Gid", "Groups", "NoNewPrivs", "Seccomp") or name.startswith("Cap"):
        print("process %s: %s" % (name, " ".join(line.split()[1:])))
print("process arguments:", sys.orig_argv[1:])
print("process directory:", os.getcwd())
if os.path.exists("/var/data"):
    for name in ["/var/data"] + ["/var/data/" + n for n in os.listdir("/var/data")]:
        s = os.stat(name)
        print("file %s: %o %d:%d" % (name, s.st_mode, s.st_uid, s.st_gid))
    text = open("/var/data/function.py", "rb").read()
    print("sha256 function.py:", hashlib.sha256(text).hexdigest()[:12], len(text))
try:
    open("/var/data/function.py", "a")
except OSError as e:
    print("write function.py:", e.strerror)
