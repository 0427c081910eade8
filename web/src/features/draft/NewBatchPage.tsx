export default function NewBatchPage() { return <h1>NewBatchPage</h1>; }
