// Started as a user without root's rights by privileges.test.ts: "drops" to itself with calls of which one, named by the
// first argument, succeeds as if it led back to root. Prints what the drop says.

import { dropPrivileges } from "../../ffi/privileges.ts";
import { findUser } from "../../ffi/users.ts";

const REFUSED = -1;
const [way] = process.argv.slice(2);
const user = findUser(String(process.getuid?.()));
if (user === undefined) throw new Error("this user is not known");
const leads = (name: string, id: number): number => (id !== 0 ? 0 : name === way ? 0 : REFUSED);
try {
  dropPrivileges(user, {
    initgroups: () => 0,
    setgroups: () => leads("setgroups", 0),
    setresgid: (id) => leads("setresgid", id),
    setresuid: (id) => leads("setresuid", id),
    seteuid: (id) => leads("seteuid", id),
  });
  console.log("dropped");
} catch (error) {
  console.log(error instanceof Error ? `${error.name}: ${error.message}` : error);
}
