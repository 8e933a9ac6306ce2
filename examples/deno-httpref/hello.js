const data = JSON.parse(Deno.env.get("DATA"));
console.log(`Hello, ${data.name}, from ${import.meta.url}`);
