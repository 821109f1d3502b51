// Programs.java: what JDBC is answered by the map "shop", a line for each question: driver, question, answer, separated by tabs.
// java -cp postgresql.jar Programs.java URL [URL]; the first URL is of a port of this machine, the second of its unix socket.

import java.sql.*;
import java.util.*;

public class Programs
{
	static Connection connection;

	static List<String> ask(String sql, Object... values) throws SQLException
	{
		List<String> rows = new ArrayList<>();

		try (PreparedStatement statement = connection.prepareStatement(sql))
		{
			for (int i = 0; i < values.length; i++)
				statement.setObject(i + 1, values[i]);
			// From the fifth time on the server has it prepared.
			for (int time = 0; time < 7; time++)
			{
				rows.clear();
				try (ResultSet set = statement.executeQuery())
				{
					while (set.next())
					{
						List<String> cells = new ArrayList<>();

						for (int i = 1; i <= set.getMetaData().getColumnCount(); i++)
							cells.add(set.getObject(i) == null ? "NULL" : set.getString(i));
						rows.add(String.join(" ", cells));
					}
				}
			}
		}
		return rows;
	}

	static void all(String driver, String url) throws SQLException
	{
		connection = DriverManager.getConnection(url);
		Map<String, List<String>> answers = new LinkedHashMap<>();

		answers.put("step", ask("SELECT customer, funnel_step(journey, ?) FROM shop.journeys WHERE customer = ?", "view -> cart -> pay within 7 days", 1L));
		answers.put("report", ask("SELECT step, customers, step_rate, extract(epoch FROM median_time)::float8 FROM funnel_report(?, from_time => ?::timestamptz, where_is => ?::jsonb)",
			"shop", "2026-01-05 00:00Z", "{\"segment\": [\"LV\", \"EE\"]}"));
		answers.put("everybody", ask("SELECT customers FROM funnel_report(?, from_time => coalesce(?::timestamptz, '-infinity'), where_is => ?::jsonb)", "shop", null, null));
		// A question mark in quotes is none of the driver's.
		answers.put("pattern", ask("SELECT count(*) FILTER (WHERE matches(journey, ?)), (SELECT count(*) FROM (SELECT sequence_match('(?1)(?t<=1 day)(?2)', at, event = ?, event = 'pay') AS m"
			+ " FROM events GROUP BY customer) s WHERE m) FROM shop.journeys", "view .* cart? pay", "cart"));
		answers.put("touchpoints", ask("SELECT at, event, channel, value FROM shop.journeys, touchpoints(journey) WHERE customer = ?", 1L));
		answers.put("journey", ask("SELECT journey FROM shop.journeys WHERE customer = ?", 1L));
		answers.put("read back", ask("SELECT touch_count(?::journey)", answers.get("journey").get(0)));
		answers.forEach((question, rows) -> System.out.println(driver + "\t" + question + "\t" + String.join(question.equals("everybody") ? " " : ", ", rows)));
		connection.close();
	}

	public static void main(String[] args) throws SQLException
	{
		all("JDBC", args[0]);
		all("JDBC untyped", args[0] + "&stringtype=unspecified");
		all("JDBC simple", args[0] + "&preferQueryMode=simple");
		if (args.length > 1)
			all("JDBC by the socket", args[1]);
	}
}
