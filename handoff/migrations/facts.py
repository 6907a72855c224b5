"""What the report needs beside the facts of cases: takedowns apart from people, and whether the law reaches a case."""
