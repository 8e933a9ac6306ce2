import json
import os

data = json.loads(os.environ["DATA"])
print(f"Hello, {data['name']}, from {os.environ['SCRIPT']}")
